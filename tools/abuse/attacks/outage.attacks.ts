import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attack } from '../attack';
import type { AttackTarget } from '../attack.target';
import { closeAfterResponse, HeldConnections } from './held.connections';
import { createTinyNumbers } from './preparation';

/** Paths of a record whose id is empty. */
export const emptyPathSegment: Attack = {
  name: 'empty-path-segment',
  summary: 'asks for records with an empty id, with the keys of two clients',
  prepare(target) {
    const { apiKeys, otherApiKey } = target.attacker;
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
    return Promise.resolve(() => target.exchange(requests.length, (n) => requests.slice(n, n + 1)));
  },
};

/** `5e-324` is 6 bytes in JSON and 326 in the text of a jsonb value. */
export const responseAmplification: Attack = {
  name: 'response-amplification',
  summary: 'reads a record of tiny numbers, which are 50 times longer in a response, up to 100 times in one batch',
  async prepare(target) {
    const id = await createTinyNumbers(target);
    const batches = [5, 20, 60, 100].map((items) =>
      target.batch({ items: Array.from({ length: items }, () => ({ id })) }),
    );
    return () => target.exchange(batches.length, (n) => batches.slice(n, n + 1));
  },
};

/** Bodies whose envelope is expensive to check. */
export const envelopeKeys: Attack = {
  name: 'envelope-keys',
  summary: 'sends batches with 200,000 unknown keys, a list of 1,600,000 empty options, and inherited names as keys',
  prepare(target) {
    const keys = Array.from({ length: 200_000 }, (_, n) => `"k${n}":0`).join(',');
    const options = Array.from({ length: 1_600_000 }, () => '{}').join(',');
    const bodies = [
      `{"items":[{}],${keys}}`,
      `{"items":[{}],"options":[${options}]}`,
      '{"items":[{}],"x":{"constructor":1}}',
    ];
    const requests = bodies.map((body) => target.batch(Buffer.from(body)));
    return Promise.resolve(() => target.exchange(requests.length, (n) => requests.slice(n, n + 1)));
  },
};

/** More than the queue accepts (`ADMISSION_MAX_QUEUE_LENGTH`). */
const WAITING_BODIES = 1_100;
const DISCONNECTS_PER_KEY = 10;

/** Fills the queue of bodies, and disconnects while the API keys of further requests are looked up. */
export const disconnectWhileQueued: Attack = {
  name: 'disconnect-while-queued',
  summary: 'fills the queue with 1,100 announced bodies and disconnects 200 further requests at every moment before it',
  prepare(target) {
    const { apiKeys } = target.attacker;
    const announcement = (apiKey: string): Buffer =>
      target.batch(Buffer.from('{'), { 'x-api-key': apiKey, 'content-length': String(2 ** 20) });
    const waiting = new HeldConnections(target, WAITING_BODIES);
    const disconnect = async (apiKey: string, turns: number): Promise<void> => {
      const opened = await Promise.all(Array.from({ length: DISCONNECTS_PER_KEY }, () => target.open()));
      for (const connection of opened) connection?.send(announcement(apiKey));
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      for (const connection of opened) connection?.reset();
    };
    return Promise.resolve(async () => {
      await waiting.refill((connection) => {
        connection.send(announcement(apiKeys[0]));
        closeAfterResponse(connection).catch(() => {
          connection.destroy();
        });
      });
      // A key that was not used for some seconds is looked up again.
      for (const [n, apiKey] of apiKeys.entries()) await disconnect(apiKey, n);
    });
  },
};

/** More batches at once than there are connections to Postgres, all of which wait for one record. */
export const poolOfConnections: Attack = {
  name: 'pool-of-connections',
  summary: 'sends 40 batches of 100 at once, all for one record, so that each holds its database connection for long',
  prepare(target) {
    const batch = contendedBatch(target, 100);
    return Promise.resolve(() => target.exchange(40, () => [batch, batch]));
  },
};

/** Every item changes the same record, as every other such batch does. */
function contendedBatch(target: AttackTarget, items: number): Buffer {
  const [id] = target.attacker.recordIds;
  return target.batch({ items: Array.from({ length: items }, (_, n) => ({ id, default: { employees: n } })) });
}
