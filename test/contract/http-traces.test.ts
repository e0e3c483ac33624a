import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startGateway } from '../support/gateway';
import { RawSocket } from '../support/raw.socket';
import { Session } from '../support/session';
import { type ReceivedSpan, TraceCollector } from '../support/trace.collector';
import { type TracedGateway, TracedEnvironment, traceIdOf } from '../support/traced.gateway';

const UPDATE = '/v2/prism/:team/:object/batch/update';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';

let environment: TracedEnvironment;
let observer: Session;

beforeAll(async () => {
  environment = await TracedEnvironment.create();
  observer = await environment.openSession();
});
afterAll(async () => {
  await observer.close();
  await environment.drop();
});

/** Creates a record, which also fills the gateway's caches. */
async function created({ send }: TracedGateway): Promise<string> {
  return (await send('POST', environment.path(''), { default: { name: 'Acme' } })).body.id;
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const span = spans.find((each) => each.name === name);
  if (span === undefined) throw new Error(`no span ${name} among ${spans.map((each) => each.name).join(', ')}`);
  return span;
}

describe('the trace of a batch', () => {
  it(
    "has spans for the request, the batch, and each call to Postgres and Redis, below the client's span",
    { tags: ['redis-server'] },
    async () => {
      const gateway = await environment.start();
      const id = await created(gateway);
      const items = [{ id, default: { name: 'A' } }, { id: randomUUID() }, { id: 'none' }];
      const headers = {
        traceparent: `00-${TRACE}-${PARENT}-01`,
        tracestate: 'vendor=here',
        'idempotency-key': randomUUID(),
      };
      const response = await gateway.send('POST', environment.path('/batch/update'), { items }, headers);
      const spans = await gateway.collector.trace(TRACE);
      expect(spans.map(({ name }) => name).sort()).toEqual(
        [`POST ${UPDATE}`, 'batch update', 'CALL apply_batch', 'EVALSHA claim', 'EVALSHA store'].sort(),
      );

      const request = named(spans, `POST ${UPDATE}`);
      expect(request).toMatchObject({ kind: 2, parentSpanId: PARENT, traceState: 'vendor=here', status: { code: 0 } });
      expect(response.headers.get('traceresponse')).toBe(`00-${TRACE}-${request.spanId}-01`);
      expect(request.attributes).toEqual({
        'http.request.method': 'POST',
        'http.route': UPDATE,
        'http.response.status_code': 200,
        'url.scheme': 'http',
        'network.protocol.version': '1.1',
        'prism.team_id': environment.teamId,
        'prism.client_id': environment.clientId,
        'prism.client': 'billing',
        'prism.wait_ms': expect.any(Number) as number,
        'prism.database_ms': expect.any(Number) as number,
      });

      const batch = named(spans, 'batch update');
      expect(batch).toMatchObject({ kind: 1, parentSpanId: request.spanId, status: { code: 0 } });
      expect(batch.attributes).toEqual({
        'prism.operation': 'update',
        'prism.object_type': 'organization',
        'prism.on_error': 'continue',
        'prism.dry_run': false,
        'prism.keyed': true,
        'prism.batch.state': 'executed',
        'prism.batch.canceled': false,
        'prism.items.total': 3,
        'prism.items.succeeded': 1,
        'prism.items.failed': 2,
        'prism.items.replayed': 0,
      });

      const call = named(spans, 'CALL apply_batch');
      expect(call).toMatchObject({ kind: 3, parentSpanId: batch.spanId });
      expect(call.attributes).toEqual({
        'db.system.name': 'postgresql',
        'db.namespace': expect.any(String) as string,
        'db.operation.name': 'CALL',
        'db.query.summary': 'CALL apply_batch',
        'server.address': expect.any(String) as string,
        'server.port': expect.any(Number) as number,
      });
      for (const script of ['claim', 'store']) {
        const span = named(spans, `EVALSHA ${script}`);
        expect(span).toMatchObject({ kind: 3, parentSpanId: request.spanId });
        expect(span.attributes).toEqual({
          'db.system.name': 'redis',
          'db.operation.name': 'EVALSHA',
          'db.query.summary': `EVALSHA ${script}`,
          'db.stored_procedure.name': script,
        });
      }
      expect(gateway.collector.resource).toMatchObject({ 'service.name': 'prism-gateway', 'service.version': '0.1.0' });
    },
  );

  it('shows what was replayed, from the ledger and from Redis', { tags: ['redis-server'] }, async () => {
    const gateway = await environment.start();
    const items = [{ id: await created(gateway), default: { name: 'A' } }, { id: randomUUID() }];
    const send = async (key: string): Promise<ReceivedSpan[]> => {
      const response = await gateway.send(
        'POST',
        environment.path('/batch/update'),
        { items },
        { 'idempotency-key': key },
      );
      expect(response.status).toBe(200);
      return gateway.collector.trace(traceIdOf(response));
    };
    const key = randomUUID();
    await send(key);
    const names = (await send(key)).map(({ name }) => name).sort();
    expect(names).toEqual(['EVALSHA claim', `POST ${UPDATE}`, 'WITH find_request_state']);

    const ledgerOnly = await environment.start({ REDIS_URL: '' });
    const second = await ledgerOnly.send(
      'POST',
      environment.path('/batch/update'),
      { items },
      { 'idempotency-key': key },
    );
    const spans = await ledgerOnly.collector.trace(traceIdOf(second));
    expect(named(spans, 'batch update').attributes).toMatchObject({
      'prism.batch.state': 'replayed',
      'prism.items.total': 2,
      'prism.items.replayed': 2,
    });
  });

  it("shows the Redis calls for the client's rate limits", { tags: ['redis-server'] }, async () => {
    const gateway = await environment.start({ RATE_LIMIT_ITEMS_PER_SECOND: '1000' });
    const response = await gateway.send('POST', environment.path('/batch/update'), { items: [{ id: randomUUID() }] });
    const spans = await gateway.collector.trace(traceIdOf(response));
    const request = named(spans, `POST ${UPDATE}`);
    expect(named(spans, 'EVALSHA charge').parentSpanId).toBe(request.spanId);
  });

  it('shows the failed call when Postgres closes the connection', async () => {
    const gateway = await environment.start({ LOCK_TIMEOUT_MS: '20000' });
    const id = await created(gateway);
    const response = await environment.database.transaction(async (client) => {
      await client.query('SELECT FROM records WHERE team_id = $1 AND id = $2 FOR UPDATE', [environment.teamId, id]);
      const items = [{ id, default: { name: 'A' } }, { id: randomUUID() }];
      const pending = gateway.send('POST', environment.path('/batch/update'), { items });
      await expect.poll(() => observer.lockWaiters()).toBe(1);
      for (const backend of await observer.waitingBackends()) await observer.terminate(backend);
      return pending;
    });
    expect(response.body.results[0].error.code).toBe('outcome_unknown');
    const spans = await gateway.collector.trace(traceIdOf(response));
    expect(named(spans, 'CALL apply_batch')).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': '57P01' },
    });
    expect(named(spans, 'batch update')).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'outcome_unknown', 'prism.items.failed': 2 },
    });
    expect(named(spans, `POST ${UPDATE}`).status).toEqual({ code: 0 });
  });

  it('shows that the client disconnected', async () => {
    const gateway = await environment.start({ LOCK_TIMEOUT_MS: '20000' });
    const id = await created(gateway);
    const body = JSON.stringify({ items: [{ id, default: { name: 'A' } }] });
    const traceId = randomUUID().replaceAll('-', '');
    await environment.database.transaction(async (client) => {
      await client.query('SELECT FROM records WHERE team_id = $1 AND id = $2 FOR UPDATE', [environment.teamId, id]);
      const socket = await RawSocket.open(gateway.api);
      const headers = `host: x\r\nx-api-key: ${environment.apiKey}\r\ntraceparent: 00-${traceId}-${PARENT}-01\r\ncontent-type: application/json`;
      await socket.send(
        `POST ${environment.path('/batch/update')} HTTP/1.1\r\n${headers}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      await expect.poll(() => observer.lockWaiters()).toBe(1);
      socket.destroy();
      const request = named(await gateway.collector.trace(traceId), `POST ${UPDATE}`);
      expect(request.attributes).toMatchObject({ 'prism.canceled': true });
      expect(request.attributes).not.toHaveProperty(['http.response.status_code']);
    });
  });
});

describe('the trace of a request', () => {
  it('is new if the client sends none, and is named in the log line', async () => {
    const { send, collector, gateway } = await environment.startProcess();
    const id = randomUUID();
    const response = await send('GET', environment.path(`/${randomUUID()}`), undefined, {
      'x-request-id': id,
      traceparent: `00-${'0'.repeat(32)}-${PARENT}-01`,
    });
    const spans = await collector.trace(traceIdOf(response));
    const request = named(spans, 'GET /v2/prism/:team/:object/:id');
    expect(request.parentSpanId).toBeUndefined();
    expect(request).toMatchObject({
      status: { code: 0 },
      attributes: { 'http.response.status_code': 404, 'prism.code': 'not_found' },
    });
    expect(named(spans, 'WITH find_record').parentSpanId).toBe(request.spanId);
    expect(await gateway.request(id)).toMatchObject({ trace_id: request.traceId, span_id: request.spanId });
  });

  it("is not recorded if the client's is not", async () => {
    const { send, collector, gateway } = await environment.startProcess();
    const traceId = randomUUID().replaceAll('-', '');
    const id = randomUUID();
    const headers = { traceparent: `00-${traceId}-${PARENT}-00`, 'x-request-id': id };
    const response = await send('POST', environment.path(''), { default: { name: 'Acme' } }, headers);
    expect(response.headers.get('traceresponse')).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    await collector.trace(traceIdOf(await send('GET', environment.path(`/${randomUUID()}`))));
    expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
    const line = await gateway.request(id);
    expect(line.trace_id).toBe(traceId);
    expect(line).not.toHaveProperty('span_id');
  });

  it.each([
    ['always_off', '', '01', false],
    ['always_on', '', '00', true],
    ['parentbased_always_off', '', '01', true],
    ['parentbased_traceidratio', '0', undefined, false],
    ['traceidratio', '1', undefined, true],
  ])("with the sampler %s %s and the client's flags %s is recorded: %s", async (name, arg, flags, recorded) => {
    const { send } = await environment.start({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg });
    const headers = flags === undefined ? {} : { traceparent: `00-${TRACE}-${PARENT}-${flags}` };
    const response = await send('GET', '/openapi.json', undefined, headers);
    expect(response.headers.get('traceresponse')?.slice(-2)).toBe(recorded ? '01' : '00');
  });

  it('has the status error for server errors only', async () => {
    const { send, collector } = await environment.start({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' });
    const failed = await send('GET', environment.path(`/${randomUUID()}`));
    expect(named(await collector.trace(traceIdOf(failed)), 'GET /v2/prism/:team/:object/:id')).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': '503', 'http.response.status_code': 503, 'prism.code': 'unavailable' },
    });
    const stray = await send('PROPFIND', '/nowhere');
    const [span] = await collector.trace(traceIdOf(stray));
    expect(span).toMatchObject({ name: 'HTTP', status: { code: 0 }, attributes: { 'http.request.method': '_OTHER' } });
  });

  it('is returned to the client as documented, even with an error', async () => {
    const collector = await TraceCollector.start();
    const gateway = await startGateway({ settings: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    onTestFinished(() => gateway.close());
    const caller = await gateway.newCaller();
    for (const id of [await caller.create(), randomUUID()]) {
      const { headers } = await caller.call('GET', caller.path(`organization/${id}`));
      expect(headers.traceresponse).toMatch(/-01$/);
    }
    const otherTeam = await caller.call('GET', caller.path('properties'), { headers: { 'x-api-key': '' } });
    expect(otherTeam).toMatchObject({ status: 401, headers: { traceresponse: expect.any(String) as string } });
  });

  it('does not exist for a health probe', async () => {
    const { send, collector } = await environment.start();
    const probe = await send('GET', '/health/live');
    expect(probe.headers.get('traceresponse')).toBeNull();
    await collector.trace(traceIdOf(await send('GET', '/openapi.json')));
    expect(collector.spans.filter(({ name }) => name.includes('health'))).toEqual([]);
  });
});

describe('the exported spans', () => {
  it('contain nothing that a client sends: no key, value, query or record id', { tags: ['redis-server'] }, async () => {
    const gateway = await environment.startProcess();
    const { send, collector } = gateway;
    const secret = (name: string): string => `secret-${name}-${randomUUID()}`;
    const value = {
      default: { name: secret('value'), [secret('property')]: 1 },
      extended: { [secret('member')]: 1 },
    };
    const headers = {
      'idempotency-key': secret('key'),
      authorization: secret('token'),
      cookie: secret('cookie'),
      'user-agent': secret('agent'),
      'x-request-id': secret('request-id'),
      baggage: `a=${secret('baggage')}`,
      tracestate: 'secret-', // no list, and so not passed on
    };
    const id = (await send('POST', environment.path(''), { default: { name: secret('created') } }, headers)).body
      .id as string;
    const batch = { items: [{ id, default: { name: secret('patched') } }, { id, ...value }, { id: secret('id') }] };
    await send('POST', environment.path('/batch/update'), batch, headers); // another request: a mismatch
    await send('POST', environment.path('/batch/update'), batch, {
      ...headers,
      'idempotency-key': secret('other-key'),
    });
    await send('PATCH', environment.path(`/${id}`), value);
    await send('GET', environment.path(`/${id}?select=${secret('query')}`));
    await send('GET', environment.path(`/${secret('path')}?${secret('query')}`), undefined, {
      'if-match': secret('etag'),
    });
    await send('GET', `/${secret('nowhere')}`, undefined, { 'x-api-key': secret('api-key') });
    const receipts = `/v2/prism/${environment.teamId}/receipts`;
    for (const key of [headers['idempotency-key'], secret('unknown'), `%22${secret('malformed')}`]) {
      await send('GET', `${receipts}/${key}`);
    }
    const last = await send('POST', environment.path('/batch/update'), secret('body'), {
      traceparent: secret('trace'),
    });
    await collector.trace(traceIdOf(last));
    gateway.gateway.signal('SIGTERM');
    await gateway.gateway.exit();
    expect(collector.spans.length).toBeGreaterThan(15);
    const sent = collector.bodies.join('\n') + JSON.stringify(collector.requests);
    expect(sent).not.toMatch(/secret-/);
    expect(sent).not.toContain(id);
    for (const text of environment.secrets) expect(sent).not.toContain(text);
  });
});
