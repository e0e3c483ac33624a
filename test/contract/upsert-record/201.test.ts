import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway({ settings: { DATABASE_POOL_SIZE: '20', LOCK_TIMEOUT_MS: '20000' } });

it('creates a record with the value of the path', async () => {
  const path = api.caller.path('organization/by/primary_domain/new.example');
  const { status, headers, body } = await api.caller.call('PUT', path, {
    body: { default: { name: 'New', tags: { _op: 'append', values: ['a'] } }, extended: { a: 1 } },
  });
  expect([status, headers.etag]).toEqual([201, etagOf(1)]);
  expect(headers.location).toBe(api.caller.path(`organization/${body.id}`));
  expect(body).toMatchObject({
    default: { name: 'New', primary_domain: 'new.example', tags: ['a'] },
    extended: { a: 1 },
  });
  expect((await api.caller.call('GET', path)).body).toEqual(body);
});

it('creates a record if the one that had the value is deleted or has another one', async () => {
  const put = (value: string) =>
    api.caller.call('PUT', api.caller.path(`organization/by/primary_domain/${value}`), {
      body: { default: { name: 'A' } },
    });
  const first = await put('gone.example');
  await api.caller.call('DELETE', api.caller.path(`organization/${first.body.id}`));
  const second = await put('gone.example');
  expect([second.status, second.body.id === first.body.id]).toEqual([201, false]);
  await api.caller.update([{ id: second.body.id, default: { primary_domain: 'other.example' } }]);
  expect((await put('gone.example')).status).toBe(201);
});

it('replays the response with its location, and does not create a second record', async () => {
  const path = api.caller.path('contact/by/email/ann@acme.example');
  const call = { body: { default: { full_name: 'Ann' } }, headers: { 'idempotency-key': randomUUID() } };
  const first = await api.caller.call('PUT', path, call);
  const second = await api.caller.call('PUT', path, call);
  expect([second.status, second.text, second.headers.location]).toEqual([201, first.text, first.headers.location]);
  expect(second.headers['idempotent-replay']).toBe('true');
});

it('sets values by the type of the property', async () => {
  for (const [rest, slug, stored] of [
    ['employees/12.50', 'employees', 12.5],
    ['founded_on/2026-03-01', 'founded_on', '2026-03-01'],
    ['stage/lost', 'stage', 'lost'],
  ] as const) {
    const call = { body: { default: { name: 'A' } } };
    const { status, body } = await api.caller.call('PUT', api.caller.path(`organization/by/${rest}`), call);
    expect([status, body.default[slug]]).toEqual([201, stored]);
  }
});

describe('32 concurrent upserts of one value', () => {
  it.each([
    ['with a lookup', 'primary_domain'],
    ['without a lookup', 'website'],
  ])('make one record of a property %s', { timeout: 60_000 }, async (_, slug) => {
    for (let round = 0; round < 6; round += 1) {
      const path = api.caller.path(`organization/by/${slug}/round-${round}.example`);
      const responses = await Promise.all(
        Array.from({ length: 32 }, (_, n) =>
          api.caller.call('PUT', path, { body: { default: { name: `Caller ${n}` } } }),
        ),
      );
      expect(responses.map(({ status }) => status).sort()).toEqual([...Array<number>(31).fill(200), 201]);
      expect(new Set(responses.map(({ body }) => body.id)).size).toBe(1);
      expect((await api.caller.read(responses[0]?.body.id)).version).toBe(32);
    }
  });

  it(
    'make one record of a property with a lookup, even while others write the value by id',
    { timeout: 60_000 },
    async () => {
      for (let round = 0; round < 6; round += 1) {
        const value = `mixed-${round}.example`;
        const path = api.caller.path(`organization/by/primary_domain/${value}`);
        const create = () =>
          api.caller.call('POST', api.caller.path('organization'), {
            body: { default: { name: 'A', primary_domain: value } },
          });
        const put = () => api.caller.call('PUT', path, { body: { default: { name: 'B' } } });
        const responses = await Promise.all([create(), ...Array.from({ length: 15 }, put)]);
        const made = responses.filter(({ status }) => status === 201);
        // The creation by itself does not look for the value: it makes a second record unless it is first.
        expect(made.length).toBeLessThanOrEqual(2);
        expect(responses.filter(({ status }) => ![200, 201, 409].includes(status))).toEqual([]);
        expect((await api.caller.call('GET', path)).status).toBe(made.length === 1 ? 200 : 409);
      }
    },
  );
});
