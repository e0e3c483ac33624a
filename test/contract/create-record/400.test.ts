import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const cases: [string, unknown, string, string][] = [
  ['no body', undefined, '.body', 'object'],
  ['none of the blocks', {}, '.body', 'required'],
  ['an unknown field', { default: { name: 'A' }, id: 'x' }, '.body.id', 'unknown_field'],
  ['a block that is no object', { default: 'A' }, '.body.default', 'object'],
  ['a required property left out', { default: { location: 'Bern' } }, '.body.default.name', 'required_property'],
  ['a required property of null', { default: { name: null } }, '.body.default.name', 'required_property'],
  ['only another block', { extended: {} }, '.body.default.name', 'required_property'],
  ['a value of the wrong type', { default: { name: 1 } }, '.body.default.name', 'invalid_property'],
  ['an unknown property', { default: { name: 'A', nam: 'B' } }, '.body.default.nam', 'unknown_property'],
  ['an unknown option', { default: { name: 'A', stage: 'B' } }, '.body.default.stage', 'unknown_option'],
];

it.each(cases)('responds invalid_request with the field and the rule to %s', async (_, body, field, code) => {
  const { status, body: response } = await api.caller.call('POST', api.caller.path('organization'), { body });
  expect(status).toBe(400);
  expect(response.error).toMatchObject({ code: 'invalid_request' });
  expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});

it('responds payload_too_large to a record over the item limit', async () => {
  const body = { default: { name: 'A', notes: 'x'.repeat(262_144) } };
  const { status, body: response } = await api.caller.call('POST', api.caller.path('organization'), { body });
  expect(status).toBe(413);
  expect(response.error).toMatchObject({ code: 'payload_too_large', details: { limit_bytes: 262_144 } });
});
