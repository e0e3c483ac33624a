import { expect, it } from 'vitest';
import { StatementNames } from './statement.names';

const use = (names: StatementNames, text: string, times: number): unknown => {
  for (let n = 1; n < times; n += 1) names.statementOf(text);
  return names.statementOf(text);
};

it('names a text at its third use, and keeps the name', () => {
  const names = new StatementNames();
  expect(use(names, 'a', 2)).toBe('a');
  expect(names.statementOf('a')).toEqual({ name: 'query_1', text: 'a' });
  expect(use(names, 'b', 3)).toEqual({ name: 'query_2', text: 'b' });
  expect(names.statementOf('a')).toEqual({ name: 'query_1', text: 'a' });
});

it('gives at most 32 names, and none to long texts', () => {
  const names = new StatementNames();
  for (let n = 1; n <= 32; n += 1) expect(use(names, `text ${n}`, 3)).toHaveProperty('name', `query_${n}`);
  expect(use(names, 'one more', 9)).toBe('one more');
  const long = 'x'.repeat(8_193);
  expect(use(new StatementNames(), long, 9)).toBe(long);
});

it('gives a text that was evicted another name', () => {
  const names = new StatementNames();
  use(names, 'a', 3);
  for (let n = 0; n < 500; n += 1) names.statementOf(`text ${n}`);
  expect(names.statementOf('a')).toBe('a');
  expect(use(names, 'a', 2)).toEqual({ name: 'query_2', text: 'a' });
});
