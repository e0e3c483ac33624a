import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random';

export interface AbortTarget {
  /** Address of the gateway. */
  url: string;
  teamId: string;
  /** Keys of several clients: more than the gateway has looked up. */
  apiKeys: readonly string[];
  /** Records that the requests read and change. */
  ids: readonly string[];
}

export interface AbortLoadOptions {
  random: Random;
  /** Connections at a time. */
  connections: number;
  /** Called before each connection: whether to continue. */
  proceed: (opened: number) => boolean;
}

export interface AbortLoadResult {
  /** Connections that were opened and aborted. */
  opened: number;
  /** Requests that were sent in full or in part. */
  requests: number;
  /** Responses by status. */
  statuses: Map<number, number>;
}

const MAX_DELAY_MS = 25;
const OBJECT = 'organization';

/**
 * Opens connections, sends requests of every kind on them, and aborts each connection at a random point: in the headers, in
 * the body, while the key is looked up, while the request is queued, while Postgres works on it, while its response is sent.
 */
export async function runAborts(target: AbortTarget, options: AbortLoadOptions): Promise<AbortLoadResult> {
  const result: AbortLoadResult = { opened: 0, requests: 0, statuses: new Map() };
  const worker = async (random: Random): Promise<void> => {
    while (options.proceed(result.opened)) {
      result.opened += 1;
      await abortOnce(target, random, result);
    }
  };
  await Promise.all(
    Array.from({ length: options.connections }, (_, n) => worker(options.random.fork(`connection ${n}`))),
  );
  return result;
}

async function abortOnce(target: AbortTarget, random: Random, result: AbortLoadResult): Promise<void> {
  const { hostname, port } = new URL(target.url);
  const socket = connect(Number(port), hostname);
  // A connection that the gateway closed first is one of the cases.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', resolve));
  countStatuses(socket, result.statuses);
  if (random.chance(0.2)) socket.pause();

  const count = random.chance(0.2) ? random.integer(2, 24) : 1;
  result.requests += count;
  const bytes = Array.from({ length: count }, () => requestOf(target, random)).join('');
  await sendSome(socket, bytes, random);
  if (random.chance(0.7)) await sleep(random.integer(0, MAX_DELAY_MS));
  abort(socket, random);
  await closed;
}

/** Sends all or a part of the request, in one or two pieces. A part ends in the headers or in the body. */
async function sendSome(socket: Socket, bytes: string, random: Random): Promise<void> {
  const end = random.chance(0.6) ? bytes.length : random.integer(1, bytes.length);
  const middle = random.chance(0.3) ? random.integer(0, end) : end;
  socket.write(bytes.slice(0, middle));
  if (middle === end) return;
  await sleep(random.integer(0, MAX_DELAY_MS));
  socket.write(bytes.slice(middle, end));
}

function abort(socket: Socket, random: Random): void {
  const how = random.integer(0, 2);
  if (how === 0) socket.destroy();
  else if (how === 1) socket.resetAndDestroy();
  else {
    // Ends this side only; the gateway then ends the other, even if nothing is read.
    socket.end();
    socket.resume();
  }
}

function requestOf({ teamId, apiKeys, ids }: AbortTarget, random: Random): string {
  const root = `/v2/prism/${teamId}/${OBJECT}`;
  const id = random.pick(ids);
  const items = (most: number): object[] =>
    Array.from({ length: random.integer(1, most) }, () => ({
      id: random.pick(ids),
      default: { name: 'x'.repeat(random.integer(1, 200)) },
    }));
  const lookup = `${root}/by/primary_domain/${random.integer(1, 50)}.example`;
  const [method, path, body] = random.pick<[string, string, object | undefined]>([
    ['GET', `${root}/${id}`, undefined],
    ['GET', `${root}/properties`, undefined],
    ['GET', `${root}/`, undefined],
    ['HEAD', `${root}/`, undefined],
    ['PATCH', `${root}/`, { default: { name: 'x' } }],
    ['PATCH', `${root}/${id}`, { default: { name: 'x'.repeat(random.integer(1, 200)) } }],
    ['POST', root, { default: { name: 'x' }, extended: { text: 'x'.repeat(random.integer(1, 4_000)) } }],
    ['POST', `${root}/batch/update`, { items: items(100) }],
    ['POST', `${root}/batch/update`, { items: items(3) }],
    ['POST', `${root}/batch/delete`, { ids: [random.uuid()] }],
    ['GET', `${root}?limit=${random.integer(1, 50)}`, undefined],
    ['GET', `${root}/count`, undefined],
    ['POST', `${root}/query`, { query: { limit: random.integer(1, 50), filter: [{ name: { contains: 'x' } }] } }],
    ['GET', lookup, undefined],
    ['PUT', lookup, { default: { name: 'x' } }],
    [
      'POST',
      `${root}/import`,
      { objects: Array.from({ length: random.integer(1, 200) }, () => ({ default: { name: 'x' } })) },
    ],
    ['GET', `/v2/prism/${teamId}/receipts/${random.uuid()}`, undefined],
    ['GET', '/health/live', undefined],
  ]);
  const key = random.chance(0.1) ? 'none' : random.pick(apiKeys);
  const text = body === undefined ? '' : JSON.stringify(body);
  const head = [
    `${method} ${path} HTTP/1.1`,
    'host: gateway',
    `x-api-key: ${key}`,
    ...(body === undefined ? [] : ['content-type: application/json']),
    ...(random.chance(0.3) ? [`idempotency-key: ${random.uuid()}`] : []),
    ...(random.chance(0.1) ? ['x-request-timeout-ms: 20'] : []),
  ];
  if (body === undefined) return [...head, '', ''].join('\r\n');
  if (random.chance(0.2)) {
    const size = text.length.toString(16);
    return [...head, 'transfer-encoding: chunked', '', size, text, '0', '', ''].join('\r\n');
  }
  return [...head, `content-length: ${text.length}`, '', text].join('\r\n');
}

function countStatuses(socket: Socket, statuses: Map<number, number>): void {
  socket.on('data', (chunk: Buffer) => {
    for (const [, status] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      statuses.set(Number(status), (statuses.get(Number(status)) ?? 0) + 1);
    }
  });
}
