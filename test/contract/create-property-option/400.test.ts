import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it.each([
  ['a property without options', 'name', { value: 'A' }, '.path.property', 'select'],
  ['another type', 'stage', { value: 'A', type: 'multiselect_str' }, '.body.type', 'immutable'],
  ['no value', 'stage', {}, '.body.value', 'string'],
  ['a malformed slug', 'stage', { value: 'A', slug: 'A' }, '.body.slug', 'slug'],
  ['no slug to derive', 'stage', { value: '客' }, '.body.slug', 'required'],
  ['a negative sort_index', 'stage', { value: 'A', sort_index: -1 }, '.body.sort_index', 'min'],
  ['an unsupported member', 'stage', { value: 'A', color_scheme: 'red' }, '.body.color_scheme', 'unknown_field'],
])('rejects %s', async (_, slug, body, field, code) => {
  const calls = new PropertyCalls(api.caller);
  const response = await calls.createOption((await calls.find(slug)).id, body);
  expect(response.status).toBe(400);
  expect(response.body.error.errors[0]).toMatchObject({ field, code });
});
