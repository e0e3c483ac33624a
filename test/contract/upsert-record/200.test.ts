import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

describe.each([
  ['with a lookup', 'primary_domain'],
  ['without a lookup', 'website'],
])('a property %s', (_, slug) => {
  it('patches the one record that has the value', async () => {
    const value = `${slug}-patched.example`;
    const id = await api.caller.create({ default: { name: 'Acme', [slug]: value, notes: 'x' }, extended: { a: 1 } });
    const body = { default: { name: 'New', notes: null, tags: { _op: 'append', values: ['a'] } }, extended: { b: 2 } };
    const { status, headers, body: record } = await api.caller.call('PUT', path(slug, value), { body });
    expect([status, headers.etag, headers.location]).toEqual([200, etagOf(2), undefined]);
    expect(record).toMatchObject({
      id,
      default: { name: 'New', [slug]: value, tags: ['a'] },
      extended: { a: 1, b: 2 },
    });
    expect(record.default).not.toHaveProperty('notes');
  });

  it('accepts the value of the path in the body, and needs no required property', async () => {
    const value = `${slug}-repeated.example`;
    const id = await api.caller.create({ default: { name: 'Acme', [slug]: value } });
    const { status, body } = await api.caller.call('PUT', path(slug, value), {
      body: { default: { [slug]: value, location: 'Bern' } },
    });
    expect([status, body.id, body.default.location]).toEqual([200, id, 'Bern']);
  });
});

it('replays the response, also of a record that was renamed since', async () => {
  const id = await api.caller.create({ default: { name: 'Acme', primary_domain: 'replayed.example' } });
  const call = { body: { default: { name: 'New' } }, headers: { 'idempotency-key': randomUUID() } };
  const first = await api.caller.call('PUT', path('primary_domain', 'replayed.example'), call);
  await api.caller.update([{ id, default: { primary_domain: 'moved.example' } }]);
  const second = await api.caller.call('PUT', path('primary_domain', 'replayed.example'), call);
  expect([second.status, second.text, second.headers.etag]).toEqual([200, first.text, first.headers.etag]);
  expect(second.headers['idempotent-replay']).toBe('true');
});

it('finds values by the type of the property', async () => {
  const caller = await api.gateway.newCaller();
  const id = await caller.create({ default: { name: 'Acme', employees: 7, founded_on: '2026-02-28', stage: 'won' } });
  for (const rest of ['employees/7.0', 'founded_on/2026-02-28T00:00:00Z', 'stage/won']) {
    const call = { body: { default: { notes: rest } } };
    const { status, body } = await caller.call('PUT', caller.path(`organization/by/${rest}`), call);
    expect([status, body.id, body.default.notes]).toEqual([200, id, rest]);
  }
});

it('keeps the other lookups of the record up to date', async () => {
  const caller = await api.gateway.newCaller();
  const calls = new PropertyCalls(caller);
  await calls.define({ name: 'Code', type: 'str', lookup: 'unique' });
  await caller.create({ default: { name: 'One', code: 'taken' } });
  const id = await caller.create({ default: { name: 'Two', primary_domain: 'two.example' } });
  const put = (code: string) =>
    caller.call('PUT', caller.path('organization/by/primary_domain/two.example'), { body: { default: { code } } });
  expect((await put('free')).status).toBe(200);
  expect((await caller.call('GET', caller.path('organization/by/code/free'))).body.id).toBe(id);
  const { status, body } = await put('taken');
  expect([status, body.error.code]).toEqual([409, 'conflict']);
});

function path(slug: string, value: string): string {
  return api.caller.path(`organization/by/${slug}/${value}`);
}
