import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { sourceFile } from '../../../test/support/repository.files';
import { type Mutant, mutants } from './mutant.catalogue';
import { mutate, type Mutation } from './procedure.mutation';

describe('a mutation', () => {
  const mutation: Mutation = { routine: 'apply', replacements: [[/mark\(\d\);/, '']] };

  it('replaces the code', () => {
    expect(mutate('change(1); mark(1);', mutation)).toBe('change(1); ');
  });

  it.each([
    ['change(1);', 0],
    ['mark(1); mark(2);', 2],
  ])('is rejected if it does not match exactly one place: %s', (code, places) => {
    expect(() => mutate(code, mutation)).toThrow(`apply has ${places} places`);
  });
});

describe('a mutant', () => {
  const changed = Object.entries<Mutant>(mutants).flatMap(([name, { mutation }]) =>
    mutation ? [{ name, mutation }] : [],
  );

  it.each(changed)('$name fits the current procedure', ({ mutation }) => {
    const definition = readFileSync(sourceFile(`libs/database/functions/${mutation.routine}.sql`), 'utf8');
    expect(mutate(definition, mutation)).not.toBe(definition);
  });
});
