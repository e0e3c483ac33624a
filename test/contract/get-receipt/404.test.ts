import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';

const DAY_SECONDS = 86_400;

const api = useGateway();

function receiptOf(key: string, client = api.caller): Promise<ApiResponse> {
  return client.call('GET', client.path(`receipts/${key}`));
}

async function written(client = api.caller): Promise<string> {
  const key = randomUUID();
  await client.update([{ id: 'bad' }], undefined, { 'idempotency-key': key });
  return key;
}

it('responds the same to an unknown key, and to the key of another client and of another team', async () => {
  const key = await written();
  const sibling = await api.gateway.newCaller({ teamId: api.caller.teamId, client: 'crm' });
  const stranger = await api.gateway.newCaller();
  const responses = [await receiptOf(randomUUID()), await receiptOf(key, sibling), await receiptOf(key, stranger)];
  expect(responses.map(({ status, body }) => [status, body.error.code])).toEqual(
    responses.map(() => [404, 'not_found']),
  );
  expect(new Set(responses.map(({ body }) => JSON.stringify({ ...body.error, request_id: '' }))).size).toBe(1);
  expect((await receiptOf(key)).status).toBe(200);
});

it('responds 403 for a path of another team, and without the scope to read', async () => {
  const key = await written();
  const stranger = await api.gateway.newCaller();
  const writer = await api.gateway.newCaller({ teamId: api.caller.teamId, scopes: ['records:write'] });
  expect((await stranger.call('GET', api.caller.path(`receipts/${key}`))).status).toBe(403);
  expect((await receiptOf(key, writer)).status).toBe(403);
});

it('responds 404 when the lifetime of the key has ended', async () => {
  const key = await written();
  const age = (seconds: number): Promise<unknown> =>
    api.gateway.database.query(
      'UPDATE idempotency_requests SET created_at = now() - make_interval(secs => $2) WHERE team_id = $1',
      [api.caller.teamId, seconds],
    );
  await age(DAY_SECONDS - 60);
  expect((await receiptOf(key)).status).toBe(200);
  await age(DAY_SECONDS + 1);
  expect((await receiptOf(key)).status).toBe(404);
});

it('responds 404 to the key of a request that was rejected or was a dry run', async () => {
  const [rejected, dry] = [randomUUID(), randomUUID()];
  await api.caller.update([], undefined, { 'idempotency-key': rejected });
  await api.caller.update([{ id: await api.caller.create() }], { dry_run: true }, { 'idempotency-key': dry });
  expect((await receiptOf(rejected)).status).toBe(404);
  expect((await receiptOf(dry)).status).toBe(404);
});
