import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attack } from '../attack';
import type { AttackTarget } from '../attack.target';
import { createLargest } from './largest.request';

/** Paths of a record whose id is empty. */
export const emptyPathSegment: Attack = {
  name: 'empty-path-segment',
  summary: 'asks for records with an empty id, with the keys of two clients',
  prepare(target) {
    const { apiKeys, otherApiKey } = target.intruder;
    const paths = ['organization/', 'organization//', '/', 'organization/?select=name'].map((each) =>
      target.path(each),
    );
    const requestsWith = (apiKey: string): Buffer[] =>
      paths.flatMap((path) =>
        (['GET', 'HEAD', 'PATCH'] as const).map((method) => {
          const body = method === 'PATCH' ? { body: '{}' } : {};
          return target.request({ method, path, headers: { 'x-api-key': apiKey }, ...body });
        }),
      );
    const requests = [apiKeys[0], otherApiKey].flatMap(requestsWith);
    return Promise.resolve(async () => {
      await target.exchange(requests.length, (n) => requests.slice(n, n + 1));
    });
  },
};

/** `5e-324` is 6 bytes in JSON and 326 in the text of a jsonb value. */
export const responseAmplification: Attack = {
  name: 'response-amplification',
  summary: 'reads a record of tiny numbers, which are 50 times longer in a response, 60 times in one batch',
  async prepare(target) {
    const id = await createLargest(target, 36_000, (count) => ({
      default: { name: 'Tiny numbers' },
      extended: { a: Array<number>(count).fill(Number.MIN_VALUE) },
    }));
    const batch = target.batch({ items: Array.from({ length: 60 }, () => ({ id })) });
    return async () => {
      await target.exchange(2, () => [batch]);
    };
  },
};

/** Bodies whose envelope is expensive to check. */
export const envelopeKeys: Attack = {
  name: 'envelope-keys',
  summary: 'sends batches with 200,000 unknown keys, a list of a million empty options, and inherited names as keys',
  prepare(target) {
    const keys = Array.from({ length: 200_000 }, (_, n) => `"k${n}":0`).join(',');
    const options = Array.from({ length: 1_600_000 }, () => '{}').join(',');
    const bodies = [
      `{"items":[{}],${keys}}`,
      `{"items":[{}],"options":[${options}]}`,
      '{"items":[{}],"x":{"constructor":1}}',
    ];
    const requests = bodies.map((body) => target.batch(Buffer.from(body)));
    return Promise.resolve(async () => {
      await target.exchange(requests.length, (n) => requests.slice(n, n + 1));
    });
  },
};

const QUEUE_CONNECTIONS = 130;
const QUEUED_EACH = 10;
const DISCONNECTS = 200;

/** Fills the work queue, and disconnects while further requests pass every stage before it. */
export const disconnectWhileQueued: Attack = {
  name: 'disconnect-while-queued',
  summary: 'fills the queue with 1,300 batches and disconnects from 200 more at every stage',
  prepare(target) {
    const slow = contendedBatch(target, 20);
    const { apiKeys } = target.intruder;
    // Every key is looked up again after some seconds: some callers disconnect during that.
    const disconnect = async (n: number): Promise<void> => {
      const connection = await target.open();
      connection?.send(
        target.batch({ items: [{ id: 'x' }] }, { 'x-api-key': apiKeys[n % apiKeys.length] ?? apiKeys[0] }),
      );
      for (let turn = 0; turn < n % 12; turn++) await nextTurn();
      connection?.destroy();
    };
    return Promise.resolve(async () => {
      const queued = target.exchange(QUEUE_CONNECTIONS, () => Array.from({ length: QUEUED_EACH }, () => slow));
      for (let n = 0; n < DISCONNECTS; n++) await disconnect(n);
      target.close();
      await queued;
    });
  },
};

/** More batches at once than there are connections to Postgres, all of which wait for one record. */
export const poolOfConnections: Attack = {
  name: 'pool-of-connections',
  summary: 'sends 40 batches of 100 at once, all for one record, so that each holds its database connection for long',
  prepare(target) {
    const batch = contendedBatch(target, 100);
    return Promise.resolve(async () => {
      await target.exchange(40, () => [batch, batch]);
    });
  },
};

/** Every item changes the same record, as every other such batch does. */
function contendedBatch(target: AttackTarget, items: number): Buffer {
  const [id] = target.intruder.recordIds;
  return target.batch({ items: Array.from({ length: items }, (_, n) => ({ id, default: { employees: n } })) });
}
