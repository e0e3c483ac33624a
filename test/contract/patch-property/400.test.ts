import { beforeAll, expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();
let calls: PropertyCalls;
let id: string;

beforeAll(async () => {
  calls = new PropertyCalls(api.caller);
  ({ id } = await calls.define({ name: 'Score', type: 'num' }));
});

it.each([
  ['another type', { type: 'str' }, '.body.type', 'immutable'],
  ['another slug', { slug: 'points' }, '.body.slug', 'immutable'],
  ['another list', { list_id: '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a' }, '.body.list_id', 'immutable'],
  ['a null name', { name: null }, '.body.name', 'string'],
  ['an empty name', { name: '' }, '.body.name', 'length'],
  ['required that is no boolean', { required: 'yes' }, '.body.required', 'boolean'],
  ['options', { options: [] }, '.body.options', 'unknown_field'],
])('rejects %s', async (_, body, field, code) => {
  const response = await calls.patch(id, body);
  expect(response.status).toBe(400);
  expect(response.body.error.errors[0]).toMatchObject({ field, code });
});
