import { describe, expect, it } from 'vitest';
import { attacks } from './attack.catalogue';
import { UsageError } from '../command.line';
import { readOptions } from './cli.options';

describe('the command line of npm run abuse', () => {
  it('runs every attack for 20 s by default', () => {
    expect(readOptions([])).toEqual({ attacks, seconds: 20, strict: false, json: undefined, markdown: undefined });
  });

  it('runs the attacks that it is given', () => {
    const { attacks: chosen } = readOptions(['--only', 'unknown-keys', '--only', 'large-bodies']);
    expect(chosen.map(({ name }) => name)).toEqual(['unknown-keys', 'large-bodies']);
  });

  it.each([[['--only', 'nothing']], [['--seconds', '0']], [['--seconds', '1e3']], [['--quick']]])(
    'rejects %j',
    (args) => {
      expect(() => readOptions(args)).toThrow(UsageError);
    },
  );

  it('names each attack once', () => {
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
  });
});
