import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const id = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';

const cases: [string, string, string, string][] = [
  ['an empty selection', `organization/${id}?select=`, '.query.select', 'required'],
  ['a selection of what is not defined', `organization/${id}?select=name,nmae`, '.query.select', 'unknown_property'],
  ['an unknown parameter of an id that is no UUID', 'organization/acme?selct=name', '.query.selct', 'unknown_field'],
  ['an unknown parameter', `organization/${id}?selct=name`, '.query.selct', 'unknown_field'],
];

it.each(cases)('responds invalid_request with the field and the rule to %s', async (_, path, field, code) => {
  const { status, body } = await api.caller.call('GET', api.caller.path(path));
  expect(status).toBe(400);
  expect(body.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});
