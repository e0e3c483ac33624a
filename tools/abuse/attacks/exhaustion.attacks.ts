import { randomBytes, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { bodyKinds } from '../../bench/memory/body.kinds';
import type { Attack } from '../attack';
import { closeAfterResponse, HeldConnections } from './held.connections';
import { call, createLargeText, createTinyNumbers, largest } from './preparation';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Unknown API keys in the right format. */
export const unknownKeys: Attack = {
  name: 'unknown-keys',
  summary: 'pipelines 100 requests on each of 100 connections, each with an API key that does not exist',
  prepare(target) {
    const path = target.path('organization/count');
    const request = (): Buffer => target.request({ method: 'GET', path, headers: { 'x-api-key': unknownKey() } });
    return Promise.resolve(() => target.exchange(100, () => Array.from({ length: 100 }, request)));
  },
};

const UNREAD_CONNECTIONS = 8;
const UNREAD_EACH = 100;

/** Requests much more than it reads. */
export const unreadResponses: Attack = {
  name: 'unread-responses',
  summary: 'pipelines 100 reads of a large record on each of 8 connections and never reads a response',
  async prepare(target) {
    const id = await createTinyNumbers(target);
    const read = target.request({ method: 'GET', path: target.path(`organization/${id}`) });
    const reads = Buffer.concat(Array.from({ length: UNREAD_EACH }, () => read));
    const connections = new HeldConnections(target, UNREAD_CONNECTIONS);
    return () =>
      connections.replace((connection) => {
        connection.stopReading();
        connection.send(reads);
      });
  },
};

/** Announces bodies and sends few bytes of them. */
export const announcedBodies: Attack = {
  name: 'announced-bodies',
  summary: 'announces 20 bodies of 1 MiB for each of two clients and sends ten bytes of each',
  prepare(target) {
    const { apiKeys, otherApiKey } = target.attacker;
    const connections = new HeldConnections(target, 40);
    return Promise.resolve(() =>
      connections.replace((connection, n) => {
        const headers = { 'x-api-key': n % 2 === 0 ? apiKeys[0] : otherApiKey, 'content-length': String(2 ** 20) };
        connection.send(target.batch(Buffer.from('{"items":['), headers));
        closeAfterResponse(connection).catch(() => {
          connection.destroy();
        });
      }),
    );
  },
};

/** Bodies that cost most CPU for their size, each below the size from which bodies are parsed one at a time. */
export const expensiveBodies: Attack = {
  name: 'expensive-bodies',
  summary: 'sends batches of 180 KB from 16 connections, of the kinds that take most time to parse and check',
  prepare(target) {
    const batches = bodyKinds(180_000).map(({ body }) => target.batch(body));
    return Promise.resolve(() => target.exchange(16, (n) => Array.from({ length: 4 }, (_, i) => at(batches, n + i))));
  },
};

/** The largest accepted bodies, many concurrently. */
export const largeBodies: Attack = {
  name: 'large-bodies',
  summary:
    'sends 64 batches of 5 MiB at once, of the kinds that take most memory when parsed, every other one with a key',
  prepare(target) {
    const bodies = bodyKinds().map(({ body }) => body);
    return Promise.resolve(() =>
      target.exchange(64, (n) => [target.batch(at(bodies, n), n % 16 < 8 ? {} : newIdempotencyKey())]),
    );
  },
};

/** Operators with the maximum number of values, on a record with as many. */
export const removeOperator: Attack = {
  name: 'remove-operator',
  summary: 'sends patches from 10 connections that remove thousands of values from a list of thousands',
  async prepare(target) {
    const [id = ''] = target.attacker.recordIds;
    const patch = (op: string, prefix: string, count: number): object => {
      const values = Array.from({ length: count }, (_, n) => `${prefix}${n}`);
      return { default: { tags: { _op: op, values } } };
    };
    const path = `organization/${id}`;
    await largest(24_000, (count) => call(target, 'PATCH', path, patch('append', 'a', count)));
    const { size } = await largest(24_000, (count) => call(target, 'PATCH', path, patch('remove', 'b', count)));
    const remove = target.request({
      method: 'PATCH',
      path: target.path(path),
      body: JSON.stringify(patch('remove', 'b', size)),
    });
    return () => target.exchange(10, () => [remove]);
  },
};

/** Responses that are far larger than their requests, each of which the ledger stores. */
export const ledgerSize: Attack = {
  name: 'ledger-size',
  summary: 'sends keyed batches of 4.6 KB, each of which reads a large record 100 times, from 4 connections',
  async prepare(target) {
    const id = await createLargeText(target);
    const body = { items: Array.from({ length: 100 }, () => ({ id })) };
    return () => target.exchange(4, () => [target.batch(body, newIdempotencyKey())]);
  },
};

/** Receipts as large as a response can be, for requests without a body. */
export const receipts: Attack = {
  name: 'receipts',
  summary: 'asks 8 times on each of 4 connections for the receipt of a batch that read a large record 100 times',
  async prepare(target) {
    const id = await createLargeText(target);
    const items = Array.from({ length: 100 }, () => ({ id }));
    const key = newIdempotencyKey();
    const { status } = await call(target, 'POST', 'organization/batch/update', { items }, key);
    if (status !== 200) throw new Error(`the batch of the attack was not applied: ${status}`);
    const receipt = target.request({ method: 'GET', path: target.path(`receipts/${key['idempotency-key']}`) });
    return () => target.exchange(4, () => Array.from({ length: 8 }, () => receipt));
  },
};

function newIdempotencyKey(): { 'idempotency-key': string } {
  return { 'idempotency-key': randomUUID() };
}

/** With a checksum that fits, so that only Postgres can reject it. */
function unknownKey(): string {
  const digits = [...randomBytes(12 + 43)].map((byte) => BASE62.charAt(byte % 62)).join('');
  const body = `prism_${digits.slice(0, 12)}_${digits.slice(12)}`;
  let checksum = '';
  for (let rest = crc32(body); checksum.length < 6; rest = Math.floor(rest / 62)) {
    checksum = BASE62.charAt(rest % 62) + checksum;
  }
  return body + checksum;
}

/** The element at an index modulo the length. */
function at(buffers: readonly Buffer[], n: number): Buffer {
  return buffers[n % buffers.length] ?? Buffer.alloc(0);
}
