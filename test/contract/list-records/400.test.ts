import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['?selct=name', '.query.selct', 'unknown_property'],
  ['?select=', '.query.select', 'required'],
  ['?select=nmae', '.query.select', 'unknown_property'],
  ['?sort=-', '.query.sort', 'required'],
  ['?sort=nmae', '.query.sort[0].nmae', 'unknown_property'],
  ['?sort=name,-name', '.query.sort[1].name', 'duplicate'],
  ['?limit=0', '.query.limit', 'positive_integer'],
  ['?limit=ten', '.query.limit', 'positive_integer'],
  ['?limit=1&limit=2', '.query.limit', 'single'],
  ['?cursor=x', '.query.cursor', 'cursor'],
  ['?cursor=', '.query.cursor', 'cursor'],
  ['?deleted=yes', '.query.deleted', 'boolean'],
  ['?include_total=1', '.query.include_total', 'boolean'],
  ['?list_id=x', '.query.list_id', 'uuid'],
  ['?id=x', '.query.id', 'uuid'],
  ['?stage=wonn', '.query.stage', 'unknown_option'],
  ['?employees=many', '.query.employees', 'invalid_property'],
  ['?name=%00', '.query.name', 'invalid_property'],
  ['?__proto__=x', '.query.__proto__', 'unknown_property'],
])('responds invalid_request with the field and the rule to %s', async (query, field, code) => {
  const { status, body } = await api.caller.call('GET', api.caller.path(`organization${query}`));
  expect(status).toBe(400);
  expect(body.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});
