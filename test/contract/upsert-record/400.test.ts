import { describe, expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { Session } from '../../support/session';

const api = useGateway({ settings: { QUERY_TIMEOUT_MS: '200' } });

const named = { default: { name: 'A' } };

it.each<[string, string, unknown, string, string]>([
  ['a property that is not defined', 'nmae/x', named, '.path.slug', 'unknown_property'],
  ['a read-only property', 'created_at/2026-01-01', named, '.path.slug', 'read_only'],
  ['a property with several values', 'tags/x', named, '.path.slug', 'operator_not_applicable'],
  ['a value that does not fit', 'employees/x', named, '.path.value', 'invalid_property'],
  ['another value in the body', 'name/x', { default: { name: 'y' } }, '.body.default.name', 'mismatch'],
  ['null in the body', 'website/x', { default: { name: 'A', website: null } }, '.body.default.website', 'mismatch'],
  [
    'an invalid property',
    'website/x',
    { default: { name: 'A', employees: 'x' } },
    '.body.default.employees',
    'invalid_property',
  ],
  ['a missing required property of a new record', 'website/x', {}, '.body.default.name', 'required_property'],
  ['a body that is no object', 'website/x', [], '.body', 'object'],
])('responds invalid_request with the field and the rule to %s', async (_, rest, body, field, code) => {
  const response = await api.caller.call('PUT', api.caller.path(`organization/by/${rest}`), { body });
  expect(response.status).toBe(400);
  expect(response.body.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});

describe('a search for the value that uses up QUERY_TIMEOUT_MS', () => {
  it('is invalid, and says to index the property', async () => {
    const path = api.caller.path('organization/by/website/slow.example');
    expect((await api.caller.call('PUT', path, { body: named })).status).toBe(201);
    const blocker = await Session.open(api.gateway.databaseUrl);
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
    try {
      const { status, body } = await api.caller.call('PUT', path, { body: named });
      expect([status, body.error.errors?.[0].code]).toEqual([400, 'query_timeout']);
      expect(body.error.message).toMatch(/has no lookup.*"indexed"/);
    } finally {
      await blocker.close();
    }
  });
});
