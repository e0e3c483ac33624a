import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { demoCurl } from './demo.data';

const demo = {
  team: 'de300000-0000-4000-8000-000000000001',
  apiKey: 'prism_a_b',
  records: ['first', 'second', 'third'],
};

/** The arguments that the shell passes to curl. */
function argumentsIn(shell: string, command: string): string[] {
  const script = command.replace(/^curl/, `printf '%s\\0'`);
  return execFileSync(shell, ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('demoCurl', () => {
  it.each(['sh', 'bash'])('passes its arguments to curl unchanged through %s', (shell) => {
    const args = argumentsIn(shell, demoCurl('http://127.0.0.1:3000', demo));
    expect(args).toContain(`http://127.0.0.1:3000/v2/prism/${demo.team}/organization/batch/update`);
    expect(args).toContain('x-api-key: prism_a_b');
    const body = JSON.parse(args.at(-1) ?? '') as { items: { id: string }[] };
    expect(body.items.map(({ id }) => id)).toEqual([
      'first',
      '00000000-0000-4000-8000-000000000404',
      'second',
      'not-a-uuid',
    ]);
  });

  it('has a new idempotency key each time', () => {
    const key = () => /idempotency-key: (\S+)'/.exec(demoCurl('http://127.0.0.1:3000', demo))?.[1];
    expect(key()).toMatch(/^try-/);
    expect(key()).not.toBe(key());
  });
});
