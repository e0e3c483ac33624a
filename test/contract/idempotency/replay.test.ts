import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse, ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';
import { etagOf } from '../../support/etags';

describe.each([
  ['with Redis', {}],
  ['without Redis', { REDIS_URL: '' }],
])('%s', (_, settings) => {
  let gateway: TestGateway;
  let caller: ApiClient;

  beforeAll(async () => {
    gateway = await startGateway({ settings });
    caller = await gateway.newCaller();
  });
  afterAll(() => gateway.close());

  const key = (): Record<string, string> => ({ 'idempotency-key': randomUUID() });

  function expectReplay(first: ApiResponse, second: ApiResponse): void {
    expect(second.status).toBe(first.status);
    expect(second.text).toBe(first.text);
    expect(second.headers.etag).toBe(first.headers.etag);
    expect(second.headers.location).toBe(first.headers.location);
    expect(first.headers).not.toHaveProperty('idempotent-replay');
    expect(second.headers['idempotent-replay']).toBe('true');
  }

  it('replays a batch byte for byte and applies it once', async () => {
    const headers = key();
    const id = await caller.create();
    const items = [{ id, default: { name: 'Ümläut "quoted"' } }, { id: 'bad' }, { id: randomUUID() }, { id }];
    const first = await caller.update(items, undefined, headers);
    const second = await caller.update(items, undefined, headers);
    expectReplay(first, second);
    expect((await caller.read(id)).version).toBe(2);
  });

  it('replays the same response after the record has changed', async () => {
    const headers = key();
    const id = await caller.create();
    const first = await caller.update([{ id, default: { name: 'One' } }], undefined, headers);
    await caller.update([{ id, default: { name: 'Two' } }]);
    expectReplay(first, await caller.update([{ id, default: { name: 'One' } }], undefined, headers));
    expect((await caller.read(id)).record.default.name).toBe('Two');
  });

  it('replays a create with its status, etag and location', async () => {
    const options = { headers: key(), body: { default: { name: 'Once' } } };
    const first = await caller.call('POST', caller.path('organization'), options);
    expectReplay(first, await caller.call('POST', caller.path('organization'), options));
  });

  it.each([
    [404, 'a record that is not there', undefined],
    [412, 'a condition that does not hold', '"7"'],
  ])('replays the %i of a patch: %s', async (status, _reason, ifMatch) => {
    const id = ifMatch === undefined ? randomUUID() : await caller.create();
    const options = {
      headers: { ...key(), ...(ifMatch !== undefined && { 'if-match': ifMatch }) },
      body: { default: { name: 'New' } },
    };
    const first = await caller.call('PATCH', caller.path(`organization/${id}`), options);
    expect(first.status).toBe(status);
    expectReplay(first, await caller.call('PATCH', caller.path(`organization/${id}`), options));
  });

  it('ignores white space, the order of members and the form of the key', async () => {
    const value = randomUUID();
    const id = await caller.create();
    const path = caller.path('organization/batch/update');
    const first = await caller.call('POST', path, {
      headers: { 'idempotency-key': value },
      body: `{"items":[{"id":"${id}","default":{"name":"A","location":"B"}}]}`,
    });
    const second = await caller.call('POST', path, {
      headers: { 'idempotency-key': `"${value}"` },
      body: `{ "items": [ { "default": { "location": "B", "name": "A" }, "id": "${id}" } ] }`,
    });
    expectReplay(first, second);
  });

  it('rejects another body, path or method, and still replays the original', async () => {
    const headers = key();
    const id = await caller.create();
    const first = await caller.update([{ id, default: { name: 'A' } }], undefined, headers);
    const others = [
      await caller.update([{ id, default: { name: 'B' } }], undefined, headers),
      await caller.update([{ id, default: { name: 'A' } }], { return: 'minimal' }, headers),
      await caller.update([{ id, default: { name: 'A' } }], undefined, headers, 'deal'),
      await caller.call('PATCH', caller.path(`organization/${id}`), { headers, body: {} }),
    ];
    for (const { status, headers: responded, body } of others) {
      expect([status, body.error.code, responded['x-should-retry']]).toEqual([
        409,
        'idempotency_key_mismatch',
        'false',
      ]);
    }
    expectReplay(first, await caller.update([{ id, default: { name: 'A' } }], undefined, headers));
  });

  it('rejects another If-Match: a failed condition is not replayed for a true one, nor a success for a failed one', async () => {
    const id = await caller.create();
    const patch = (headers: Record<string, string>): Promise<ApiResponse> =>
      caller.call('PATCH', caller.path(`organization/${id}`), { headers, body: { default: { name: 'New' } } });
    const failed = key();
    const first = await patch({ ...failed, 'if-match': '"999"' });
    expect(first.status).toBe(412);
    for (const condition of [{ 'if-match': '*' }, { 'if-match': 'W/"999"' }, {}]) {
      const { status, body } = await patch({ ...failed, ...condition });
      expect([status, body.error.code]).toEqual([409, 'idempotency_key_mismatch']);
    }
    expectReplay(first, await patch({ ...failed, 'if-match': ' "999" ' }));

    const unconditional = key();
    expect((await patch(unconditional)).status).toBe(200);
    const { status } = await patch({ ...unconditional, 'if-match': '"999"' });
    expect(status).toBe(409);
    expect((await caller.read(id)).version).toBe(2);
  });

  it('ignores the spelling of the path', async () => {
    const headers = key();
    const id = await caller.create();
    const patch = (path: string): Promise<ApiResponse> =>
      caller.call('PATCH', path, { headers, body: { default: { name: 'New' } } });
    const first = await patch(caller.path(`organization/${id}`));
    for (const spelling of [id.toUpperCase(), id.replace('-', '%2D'), id.replace('-', '%2d')]) {
      expectReplay(first, await patch(caller.path(`organization/${spelling}`)));
    }
    expectReplay(
      first,
      await patch(caller.path(`organization/${id}`).replace(caller.teamId, caller.teamId.toUpperCase())),
    );
    expect((await caller.read(id)).version).toBe(2);
  });

  it.each([
    [200, 'a success', undefined],
    [404, 'a record that is not there', undefined],
    [412, 'a condition that does not hold', '"7"'],
  ])(
    'replays %i with the request id of the retry in the header and the first one in the body: %s',
    async (status, _, ifMatch) => {
      const id = status === 404 ? randomUUID() : await caller.create();
      const headers = { ...key(), ...(ifMatch !== undefined && { 'if-match': ifMatch }) };
      const patch = (requestId: string): Promise<ApiResponse> =>
        caller.call('PATCH', caller.path(`organization/${id}`), {
          headers: { ...headers, 'x-request-id': requestId },
          body: { default: { name: 'New' } },
        });
      const first = await patch('the-first');
      const second = await patch('the-second');
      expect([first.status, second.status]).toEqual([status, status]);
      expect([first.headers['x-request-id'], second.headers['x-request-id']]).toEqual(['the-first', 'the-second']);
      expect(second.text).toBe(first.text);
      if (status !== 200) expect(second.body.error.request_id).toBe('the-first');
    },
  );

  it('scopes a key to the client: not to the team, nor to the API key', async () => {
    const headers = key();
    const id = await caller.create();
    const items = [{ id, default: { name: 'A' } }];
    const first = await caller.update(items, undefined, headers);
    const sameClient = await gateway.newCaller({ teamId: caller.teamId });
    expectReplay(first, await sameClient.update(items, undefined, headers));
    const otherClient = await gateway.newCaller({ teamId: caller.teamId, client: 'crm' });
    expect((await otherClient.update(items, undefined, headers)).headers).not.toHaveProperty('idempotent-replay');
    expect((await caller.read(id)).version).toBe(3);
  });

  it('authorizes a replay like any request', async () => {
    const headers = key();
    const id = await caller.create();
    await caller.update([{ id }], undefined, headers);
    const reader = await gateway.newCaller({ teamId: caller.teamId, scopes: ['records:read'] });
    expect((await reader.update([{ id }], undefined, headers)).status).toBe(403);
  });

  it('does not claim the key of a request that is rejected before execution', async () => {
    const headers = key();
    const id = await caller.create();
    expect((await caller.update([], undefined, headers)).status).toBe(400);
    expect((await caller.call('POST', caller.path('organization/batch/update'), { headers, body: '{' })).status).toBe(
      400,
    );
    expect((await caller.update([{ id, default: { name: 'A' } }], undefined, headers)).status).toBe(200);
  });

  it('does not claim the key of a dry run', async () => {
    const headers = key();
    const id = await caller.create();
    const items = [{ id, default: { name: 'A' } }];
    const dry = await caller.update(items, { dry_run: true }, headers);
    expect(dry.body.results[0].etag).toEqual(etagOf(2));
    const wet = await caller.update(items, undefined, headers);
    expect(wet.headers).not.toHaveProperty('idempotent-replay');
    expect((await caller.read(id)).version).toBe(2);
  });

  it("responds stale for 7 days after the key's lifetime, and then accepts it as new", async () => {
    const headers = key();
    const id = await caller.create();
    const items = [{ id, default: { name: 'A' } }];
    await caller.update(items, undefined, headers);
    // Ages the first attempt.
    const age = async (interval: string): Promise<void> => {
      const day = `(now() - interval '${interval}')::date`;
      await gateway.database.query(`SELECT ensure_ledger_partition(${day})`);
      await gateway.database.query(`UPDATE idempotency_outcomes SET day = ${day} WHERE team_id = $1`, [caller.teamId]);
      await gateway.database.query(
        `UPDATE idempotency_requests SET created_at = now() - interval '${interval}', day = ${day} WHERE team_id = $1`,
        [caller.teamId],
      );
    };
    await age('25 hours');
    const stale = await caller.update(items, undefined, headers);
    expect([stale.status, stale.body.error.code]).toEqual([409, 'idempotency_key_stale']);
    expect(stale.headers['x-should-retry']).toBe('false');
    await age('9 days');
    const again = await caller.update(items, undefined, headers);
    expect(again.status).toBe(200);
    expect((await caller.read(id)).version).toBe(3);
  });

  it('resumes a batch with a retryable item: applied items are marked as replayed, the others are executed', async () => {
    const headers = key();
    const [free, held] = [await caller.create(), await caller.create()];
    const items = [
      { id: free, default: { name: 'Free' } },
      { id: held, default: { name: 'Held' } },
    ];
    const first = await gateway.database.transaction(async (client) => {
      await client.query('SELECT FROM records WHERE team_id = $1 AND id = $2 FOR UPDATE', [caller.teamId, held]);
      return caller.update(items, undefined, headers);
    });
    expect(first.body.results.map((result: any) => result.error?.code ?? 'ok')).toEqual(['ok', 'locked']);
    const second = await caller.update(items, undefined, headers);
    expect(second.headers).not.toHaveProperty('idempotent-replay');
    expect(second.body.results.map(({ status, replayed }: any) => [status, replayed])).toEqual([
      ['ok', true],
      ['ok', undefined],
    ]);
    const third = await caller.update(items, undefined, headers);
    expect(third.headers['idempotent-replay']).toBe('true');
    expect(third.body.results.map((result: any) => result.replayed)).toEqual([undefined, undefined]);
    expect([(await caller.read(free)).version, (await caller.read(held)).version]).toEqual([2, 2]);
  });

  it('applies fifty identical concurrent requests once', async () => {
    const headers = key();
    const id = await caller.create();
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => caller.update([{ id, default: { name: 'A' } }], undefined, headers)),
    );
    const done = responses.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    for (const { body, headers: responded } of responses.filter(({ status }) => status !== 200)) {
      expect([body.error.code, responded['x-should-retry']]).toEqual(['idempotency_key_in_use', 'true']);
      expect(Number(responded['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    expect((await caller.read(id)).version).toBe(2);
  });
});
