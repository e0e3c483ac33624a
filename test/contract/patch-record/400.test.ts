import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const cases: [string, string, unknown, Record<string, string>, string, string][] = [
  ['an unknown field with an id that is no UUID', 'x', { name: 'A' }, {}, '.body.name', 'unknown_field'],
  ['a malformed If-Match', '', {}, { 'if-match': '1' }, '.header.if-match', 'etag'],
  ['clearing a required property', '', { default: { name: null } }, {}, '.body.default.name', 'required_property'],
  ['a blank required property', '', { default: { name: ' ' } }, {}, '.body.default.name', 'required_property'],
  ['a NUL in a select', '', { default: { stage: 'a\0' } }, {}, '.body.default.stage', 'invalid_property'],
  ['a lone surrogate in a select', '', { default: { stage: '\ud800' } }, {}, '.body.default.stage', 'invalid_property'],
  ['an unknown field', '', { name: 'A' }, {}, '.body.name', 'unknown_field'],
];

it.each(cases)(
  'responds invalid_request with the field and the rule to %s',
  async (_, given, body, headers, field, code) => {
    const id = given === '' ? await api.caller.create() : given;
    const { status, body: response } = await api.caller.call('PATCH', api.caller.path(`organization/${id}`), {
      body,
      headers,
    });
    expect(status).toBe(400);
    expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
  },
);
