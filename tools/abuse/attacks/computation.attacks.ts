import { randomUUID } from 'node:crypto';
import type { Attack } from '../attack';
import type { AttackTarget } from '../attack.target';
import { call } from './preparation';

/** As many requests without a valid key as fit into few bytes. */
export const pipelinedRequests: Attack = {
  name: 'pipelined-requests',
  summary: 'pipelines 500 requests of 40 bytes with an invalid key on each of 300 connections',
  prepare(target) {
    const request = Buffer.from('GET /v2/prism/x HTTP/1.1\r\nx-api-key:a\r\n\r\n');
    const requests = Array<Buffer>(500).fill(request);
    return Promise.resolve(() => target.exchange(300, () => requests));
  },
};

/** Filters that compare a long text with as many values as possible. */
export const largeFilters: Attack = {
  name: 'large-filters',
  summary: 'searches texts of 200 KB for 2,000 parts, and for 60,000, from 4 connections',
  async prepare(target) {
    for (let n = 0; n < 3; n++) {
      const { status } = await call(target, 'POST', 'organization', {
        default: { name: `Large ${n}`, notes: `${n} `.repeat(100_000) },
      });
      if (status !== 201) throw new Error(`a record of the attack was not created: ${status}`);
    }
    const query = (conditions: number): Buffer => {
      const parts = Array.from({ length: 1_000 }, (_, n) => `Ω${n}`);
      const filter = Array.from({ length: conditions }, () => ({ notes: { contains: parts } }));
      return target.request({
        method: 'POST',
        path: target.path('organization/query'),
        body: JSON.stringify({ query: { filter } }),
      });
    };
    const queries = [query(2), query(60)];
    return () => target.exchange(4, () => queries);
  },
};

/** Unknown slugs, for each of which an error could suggest a known one. */
export const unknownSlugs: Attack = {
  name: 'unknown-slugs',
  summary: 'sends batches with 2,000 unknown slugs of 64 characters to a team with 100 such properties, 4 at once',
  async prepare(target) {
    for (let n = 0; n < 100; n++) {
      await define(target, { type: 'str', name: `P ${n}`, slug: `p${n}_`.padEnd(64, 'abcdefgh') });
    }
    const [id] = target.attacker.recordIds;
    const unknown = (item: number): object =>
      Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x${item}_${n}_`.padEnd(64, 'qrstuvwx'), 1]));
    const batch = target.batch({ items: Array.from({ length: 100 }, (_, n) => ({ id, default: unknown(n) })) });
    return () => target.exchange(4, () => [batch]);
  },
};

/** A body that closes brackets which are not open. */
export const closingBrackets: Attack = {
  name: 'closing-brackets',
  summary: 'sends bodies of 5 MB of closing brackets, 4 at once',
  prepare(target) {
    const batch = target.batch(Buffer.from('},'.repeat(2_500_000)));
    return Promise.resolve(() => target.exchange(4, () => [batch]));
  },
};

/** Rows that each have as many errors as a result may have. */
export const importErrors: Attack = {
  name: 'import-errors',
  summary: 'imports 10,000 rows without 20 required properties, 2 at once',
  async prepare(target) {
    for (let n = 0; n < 20; n++) {
      const slug = `required_${n}_`.padEnd(64, 'abcdefgh');
      await define(target, { type: 'str', name: `Required ${n}`, slug, required: true });
    }
    const objects = Array.from({ length: 10_000 }, (_, n) => ({ default: { primary_domain: `${n}.example` } }));
    const body = JSON.stringify({ objects, options: { dedupe_by: 'primary_domain' } });
    return () =>
      target.exchange(2, () => [
        target.request({
          ...{ method: 'POST', path: target.path('organization/import'), body },
          headers: { 'idempotency-key': randomUUID() },
        }),
      ]);
  },
};

async function define(target: AttackTarget, property: object): Promise<void> {
  const { status } = await call(target, 'POST', 'organization/properties', property);
  if (status !== 201) throw new Error(`a property of the attack was not created: ${status}`);
}
