import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientLabel, type Principal } from '#libs/auth';
import { readSettings } from '#libs/config';
import { Admission, LimitsMetrics } from '#libs/limits';
import { RecordsMetrics } from '#libs/records';
import { Instruments, Tracing } from '#libs/telemetry';
import { countDroppedItems, registerAdmission } from './admission.hook';
import { registerResponseSize } from './large.response';
import { registerDeadline } from './deadline.hook';
import { registerRequestContext } from './request.context';
import { RequestPermits } from './request.permits';

const POOL = 2;
const principal = { clientId: 'client', clientName: 'client' } as Principal; // nothing else is read

let server: FastifyInstance;
let instruments: Instruments;
let admission: Admission;
/** What the handler of `/held` waits for. */
let held: PromiseWithResolvers<string>;
/** What the lookup of the key waits for. */
let keyLookup: Promise<void> | undefined;
let lookups: number;
/** Whether requests are not authenticated. */
let anonymous: boolean;
let handlers: number;
const sockets: Socket[] = [];

const reject = (_request: unknown, _reply: unknown, done: (error: Error) => void): void => {
  done(new Error('a failure'));
};

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

beforeEach(async () => {
  instruments = new Instruments();
  const settings = readSettings({
    DATABASE_URL: 'postgres://db/x',
    DATABASE_POOL_SIZE: String(POOL),
    ADMISSION_MAX_QUEUE_LENGTH: '1',
    ADMISSION_MAX_WAIT_MS: '1000',
  });
  admission = new Admission(settings, new LimitsMetrics(instruments));
  held = withResolvers();
  keyLookup = undefined;
  lookups = 0;
  anonymous = false;
  handlers = 0;
  server = fastify();
  const records = new RecordsMetrics(instruments, new ClientLabel({ metricsMaxClients: 100 }));
  registerRequestContext(server, {
    admission,
    tracing: await Tracing.open(settings, instruments),
    requestTimeoutMs: 30_000,
    onDropped: (request) => {
      countDroppedItems(request, records);
    },
  });
  registerDeadline(server);
  server.addHook('onRequest', async (request: FastifyRequest) => {
    if (!anonymous) request.requestContext.principal = principal;
    lookups += 1;
    await keyLookup;
  });
  registerResponseSize(server);
  registerAdmission(server, admission);
  server.get('/held', () => {
    handlers += 1;
    return held.promise;
  });
  server.get('/sync', (_request, reply) => {
    void reply.send('ok');
  });
  server.get('/not-found', (_request, reply) => {
    reply.callNotFound();
  });
  server.get('/throws', () => {
    throw new Error('a failure');
  });
  server.get('/rejects', () => Promise.reject(new Error('a failure')));
  server.post('/body', (request) => String((request.body as number[]).length));
  server.get('/rejected', { preHandler: reject }, () => 'ok');
  server.get('/early', { preHandler: async (_request, reply) => reply.send('early') }, () => 'ok');
  await server.listen({ host: '127.0.0.1', port: 0 });
});

afterEach(async () => {
  held.resolve('ok');
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
  admission.onApplicationShutdown();
});

async function gauge(name: string): Promise<number> {
  const read = await instruments.registry.getSingleMetric(name)?.get();
  return (read?.values ?? []).reduce((sum, { value }) => sum + value, 0);
}

const working = (): Promise<number> => gauge('prism_admission_requests_in_flight');
const queued = (): Promise<number> => gauge('prism_admission_queue_length');
const port = (): number => (server.server.address() as AddressInfo).port; // it listens on a port

function send(path: string, headers = ''): Socket {
  const socket = connect(port(), '127.0.0.1');
  sockets.push(socket);
  socket.resume();
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`);
  return socket;
}

async function expectNothingHeld(): Promise<void> {
  await expect.poll(working).toBe(0);
  await expect.poll(() => gauge('prism_admission_items_in_flight')).toBe(0);
  await expect.poll(() => gauge('prism_admission_response_bytes')).toBe(0);
  expect(await queued()).toBe(0);
}

describe('a request', () => {
  it.each([
    ['/sync', 200],
    ['/not-found', 404],
    ['/throws', 500],
    ['/rejects', 500],
    ['/rejected', 500],
    ['/early', 200],
    ['/unknown', 404],
  ])('releases what it holds exactly once: %s', async (path, status) => {
    for (let n = 0; n < 3 * POOL; n += 1) {
      const response = await fetch(`http://127.0.0.1:${port()}${path}`);
      await response.text();
      expect(response.status).toBe(status);
    }
    await expectNothingHeld();
  });

  it('holds its work until the handler has ended, even when the client has disconnected', async () => {
    const socket = send('/held');
    await expect.poll(() => handlers).toBe(1);
    socket.destroy();
    await expect.poll(() => gauge('prism_admission_response_bytes')).toBe(0);
    expect(await working()).toBe(1);
    held.resolve('too late');
    await expectNothingHeld();
  });

  it('holds its work until the handler has ended, even after the response at its deadline', async () => {
    const socket = send('/held', 'x-request-timeout-ms: 50\r\n');
    const [response] = (await once(socket, 'data')) as [Buffer];
    expect(response.toString()).toContain('503 Service Unavailable');
    expect(await working()).toBe(1);
    held.resolve('too late');
    await expectNothingHeld();
  });

  it('that is queued leaves the queue when the client disconnects, and its handler never runs', async () => {
    send('/held');
    await expect.poll(() => handlers).toBe(1);
    const socket = send('/held');
    await expect.poll(queued).toBe(1);
    socket.destroy();
    await expect.poll(queued).toBe(0);
    held.resolve('ok');
    await expectNothingHeld();
    expect(handlers).toBe(1);
  });

  it('waits after expensive ones of its client while another client is active, and holds nothing meanwhile', async () => {
    admission.cpu.countRequest('another client');
    admission.cpu.charge('client', 30);
    const response = fetch(`http://127.0.0.1:${port()}/sync`);
    await expect.poll(() => lookups).toBe(1);
    expect(await working()).toBe(0);
    expect((await response).status).toBe(200);
    expect(admission.cpu.pauseMs('client')).toBe(0);
    await expectNothingHeld();
  });

  it('whose body is read in sections waits between them no longer than for a permit', async () => {
    admission.cpu.countRequest('another client');
    const pauses = vi.spyOn(admission.cpu, 'pauseMs');
    for (let section = 0; section < 3; section += 1) pauses.mockReturnValueOnce(60_000);
    const body = JSON.stringify(Array.from({ length: 300_000 }, () => 0)); // three sections
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`http://127.0.0.1:${port()}/body`, { method: 'POST', headers, body });
    expect([response.status, await response.text()]).toEqual([200, '300000']);
    expect(pauses.mock.calls.length).toBeGreaterThan(3);
    await expectNothingHeld();
  });

  it('that waits after expensive ones as long as a request may be queued is rejected, and the next is not', async () => {
    admission.cpu.countRequest('another client');
    const pauses = vi.spyOn(admission.cpu, 'pauseMs').mockReturnValue(60_000);
    const response = await fetch(`http://127.0.0.1:${port()}/held`);
    expect(response.status).toBe(503);
    expect(await gauge('prism_requests_shed_total')).toBe(1);
    pauses.mockReturnValue(0);
    expect((await fetch(`http://127.0.0.1:${port()}/sync`)).status).toBe(200);
    expect(handlers).toBe(0);
    await expectNothingHeld();
  });

  it('that waits after expensive ones never begins if the client disconnects', async () => {
    admission.cpu.countRequest('another client');
    admission.cpu.charge('client', 100);
    const socket = send('/held');
    await expect.poll(() => lookups).toBe(1);
    socket.destroy();
    await expect.poll(() => admission.cpu.pauseMs('client')).toBe(0);
    expect(handlers).toBe(0);
    await expectNothingHeld();
  });

  it('is rejected at once if as many of its client wait after expensive ones as may be queued', async () => {
    admission.cpu.countRequest('another client');
    const pauses = vi.spyOn(admission.cpu, 'pauseMs').mockReturnValue(60_000);
    const socket = send('/held');
    await expect.poll(() => pauses.mock.calls.length).toBe(2);
    const response = await fetch(`http://127.0.0.1:${port()}/held`);
    expect(await response.text()).toContain('Too many requests wait');
    expect(pauses.mock.calls.length).toBe(3);
    socket.destroy();
    await expect.poll(() => admission.beginDelay('client')).toBeDefined();
    expect(handlers).toBe(0);
    await expectNothingHeld();
  });

  it('charges its client for the response even when the client has disconnected', async () => {
    const settle = vi.spyOn(admission.cpu, 'settle');
    const socket = send('/held');
    await expect.poll(() => handlers).toBe(1);
    socket.destroy();
    await expect.poll(() => gauge('prism_admission_response_bytes')).toBe(0);
    held.resolve('x'.repeat(2 ** 20));
    await expect.poll(() => settle.mock.calls).toEqual([['client', 0, 8]]);
    await expectNothingHeld();
  });

  it('of no client, such as a health probe, does not count as another active client', async () => {
    const count = vi.spyOn(admission.cpu, 'countRequest');
    anonymous = true;
    await fetch(`http://127.0.0.1:${port()}/sync`);
    expect(count).not.toHaveBeenCalled();
    await fetch(`http://127.0.0.1:${port()}/v2/prism/x`);
    expect(count.mock.calls).toEqual([['address 127.0.0.1']]);
  });

  it('whose client disconnects while its key is looked up acquires nothing, though the queue is full', async () => {
    send('/held');
    await expect.poll(() => handlers).toBe(1);
    send('/held');
    await expect.poll(queued).toBe(1);
    const lookUp = withResolvers<string>();
    keyLookup = lookUp.promise.then(() => undefined);
    const connected = once(server.server, 'connection');
    const socket = send('/held');
    const [accepted] = (await connected) as [Socket]; // what the event comes with
    await expect.poll(() => lookups).toBe(3);
    const closed = once(accepted, 'close');
    socket.destroy();
    await closed;
    lookUp.resolve('known');
    await new Promise((resolve) => setImmediate(resolve));
    expect([await gauge('prism_requests_shed_total'), await queued()]).toEqual([0, 1]);
    held.resolve('ok');
    await expectNothingHeld();
    expect(handlers).toBe(2);
  });
});

it.each([
  ['returns', () => false],
  [
    'throws',
    () => {
      throw new Error('of the step');
    },
  ],
])('calls a callback that throws exactly once, if the computation %s', (_, step) => {
  // Nothing else of the request and the reply is read.
  const request = { requestContext: { principal } } as unknown as FastifyRequest;
  const reply = { raw: new EventEmitter() } as unknown as FastifyReply;
  const done = vi.fn(() => {
    throw new Error('of the callback');
  });
  const permits = new RequestPermits(admission, request, reply, () => undefined);
  expect(() => {
    permits.compute('parse', 1, step, done);
  }).toThrow('of the callback');
  expect(done).toHaveBeenCalledOnce();
});

it('lets other work run between the steps of a small body that take long', async () => {
  const request = { requestContext: { principal } } as unknown as FastifyRequest;
  const reply = { raw: new EventEmitter() } as unknown as FastifyReply;
  const permits = new RequestPermits(admission, request, reply, () => undefined);
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  let steps = 0;
  const computed = permits.computeAsync('plan', 1, () => {
    now += 4;
    steps += 1;
    return steps < 10;
  });
  expect(steps).toBe(3);
  await computed;
  expect(steps).toBe(10);
  clock.mockRestore();
});
