import { describe, expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { Session } from '../../support/session';

const api = useGateway({ settings: { QUERY_TIMEOUT_MS: '200' } });

const cases: [string, string, string, string][] = [
  ['a property that is not defined', 'by/primary_domian/x', '.path.slug', 'unknown_property'],
  ['the id, which is no property', 'by/id/182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e', '.path.slug', 'unknown_property'],
  ['a value that is no number', 'by/employees/many', '.path.value', 'invalid_property'],
  ['a number that is not exact', 'by/employees/0.1234567890123456789', '.path.value', 'invalid_property'],
  ['a value that is no date', 'by/founded_on/2026-02-30', '.path.value', 'invalid_property'],
  ['an unknown option', 'by/stage/open', '.path.value', 'unknown_option'],
  ['a NUL character', 'by/primary_domain/a%00', '.path.value', 'invalid_property'],
  ['a selection of what is not defined', 'by/name/x?select=nmae', '.query.select', 'unknown_property'],
  ['an unknown parameter', 'by/name/x?limit=1', '.query.limit', 'unknown_field'],
];

it.each(cases)('responds invalid_request with the field and the rule to %s', async (_, path, field, code) => {
  const { status, body } = await api.caller.call('GET', api.caller.path(`organization/${path}`));
  expect(status).toBe(400);
  expect(body.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});

describe('a search that uses up QUERY_TIMEOUT_MS', () => {
  async function whileBlocked(path: string, headers: Record<string, string> = {}) {
    await api.caller.call('GET', api.caller.path('organization/by/name/none'));
    const blocker = await Session.open(api.gateway.databaseUrl);
    await blocker.query('BEGIN');
    await blocker.query('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
    try {
      return await api.caller.call('GET', api.caller.path(`organization/by/${path}`), { headers });
    } finally {
      await blocker.close();
    }
  }

  it('is invalid if the property has no lookup, and says to index it', async () => {
    const { status, body } = await whileBlocked('name/Acme');
    expect([status, body.error.errors?.[0].code]).toEqual([400, 'query_timeout']);
    expect(body.error.message).toMatch(/200 ms.*has no lookup.*"indexed"/);
  });

  it('is unavailable if it has one, or if the deadline of the request was shorter', async () => {
    expect((await whileBlocked('primary_domain/acme.example')).status).toBe(503);
    expect((await whileBlocked('name/Acme', { 'x-request-timeout-ms': '150' })).status).toBe(503);
  });
});
