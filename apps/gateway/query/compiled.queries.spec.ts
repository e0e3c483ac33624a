import { expect, it } from 'vitest';
import type { PropertyDefinition } from '#libs/properties';
import { CompiledQueries, type CompiledQuery, MAX_REQUEST_LENGTH } from './compiled.queries';

const definitions: readonly PropertyDefinition[] = [];

/** Compiles to a query of its own, and counts it. */
class Compiler {
  count = 0;

  constructor(private readonly cursor?: { text: string; path: string }) {}

  readonly compile = (): CompiledQuery => {
    this.count += 1;
    return { input: { cursor: this.cursor } } as CompiledQuery; // nothing else is read
  };
}

it('compiles a request that repeats once', () => {
  const queries = new CompiledQueries();
  const { compile } = new Compiler();
  const query = queries.get('/a', definitions, compile);
  expect(queries.get('/a', definitions, compile)).toBe(query);
  expect(queries.get('/b', definitions, compile)).not.toBe(query);
});

it('compiles a request again for other property definitions, and keeps no query of the earlier ones', () => {
  const queries = new CompiledQueries();
  const compiler = new Compiler();
  const changed: readonly PropertyDefinition[] = [];
  for (const each of [definitions, changed, changed]) queries.get('/a', each, compiler.compile);
  expect(compiler.count).toBe(2);
  queries.get('/a', definitions, compiler.compile);
  expect(compiler.count).toBe(3);
});

it('keeps a limited number of queries, the most recently used ones', () => {
  const queries = new CompiledQueries();
  const compiler = new Compiler();
  const get = (request: string): CompiledQuery => queries.get(request, definitions, compiler.compile);
  const first = get('/first');
  const second = get('/second');
  for (let n = 0; n < 499; n += 1) {
    get('/first');
    get(`/${n}`);
  }
  expect(get('/first')).toBe(first);
  expect(get('/second')).not.toBe(second);
});

it.each([
  ['with a cursor', '/a', new Compiler({ text: 'x', path: '.query.cursor' })],
  ['that is long', 'a'.repeat(MAX_REQUEST_LENGTH + 1), new Compiler()],
])('does not keep a query %s', (_, request, compiler) => {
  const queries = new CompiledQueries();
  for (let use = 0; use < 2; use += 1) queries.get(request, definitions, compiler.compile);
  expect(compiler.count).toBe(2);
});

it('keeps no query that cannot be compiled', () => {
  const queries = new CompiledQueries();
  const fail = (): never => {
    throw new Error('invalid');
  };
  expect(() => queries.get('/a', definitions, fail)).toThrow('invalid');
  expect(() => queries.get('/a', definitions, fail)).toThrow('invalid');
});
