import { expect, it } from 'vitest';
import { ImportChunks, maxPlanBytesOf, planHeapOf } from './import.chunks';

const create = { op: 'create', id: 'x', properties: { name: 'A' }, list: {}, extended: {} } as const;
const lookups = Array.from({ length: 20 }, (_, n) => ({ id: `id ${n}`, slug: `slug_${n}`, kind: 'text' as const }));
const match = { id: 'id', slug: 'name', kind: 'text', value: 'A' } as const;

it('a chunk has up to 100 items', () => {
  const chunks = new ImportChunks(1_000_000);
  for (let n = 0; n < 250; n += 1) chunks.add({ op: 'read', id: String(n) });
  expect(chunks.list.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(chunks.list[2]?.[49]).toBe('{"op":"read","id":"249"}');
});

it('items are stored without lookups', () => {
  const chunks = new ImportChunks(1_000_000);
  chunks.add({ ...create, lookups });
  chunks.add({ op: 'read', id: 'x', match, create: { ...create, lookups } });
  chunks.add({ op: 'update', id: 'x', default: null, list: null, extended: null, lookups, match });
  expect(chunks.list.flat().map((text) => JSON.parse(text) as unknown)).toEqual([
    create,
    { op: 'read', id: 'x', match, create },
    { op: 'update', id: 'x', default: null, list: null, extended: null, match },
  ]);
});

it('items that take more than the limit are rejected', () => {
  const bytes = JSON.stringify(create).length;
  const chunks = new ImportChunks(2 * bytes);
  chunks.add(create);
  chunks.add(create);
  expect(() => {
    chunks.add(create);
  }).toThrow(`The rows take more than ${2 * bytes} bytes as they are stored.`);
});

it('the heap of a plan is estimated by that of the body, up to the limit', () => {
  const bodyLimit = 5_242_880;
  expect(planHeapOf(1_000, bodyLimit)).toBe(8_000);
  expect(planHeapOf(100_000_000, bodyLimit)).toBe(maxPlanBytesOf(bodyLimit));
});
