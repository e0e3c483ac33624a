import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const item = { id: '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e' };

const cases: [string, unknown, string, string][] = [
  ['no body', undefined, '.body', 'object'],
  ['an array', [], '.body', 'object'],
  ['no items', {}, '.body.items', 'array'],
  ['items that are no array', { items: {} }, '.body.items', 'array'],
  ['no item', { items: [] }, '.body.items', 'min_items'],
  ['101 items', { items: Array(101).fill(item) }, '.body.items', 'max_items'],
  ['an unknown field', { items: [item], option: {} }, '.body.option', 'unknown_field'],
  ['an unknown option', { items: [item], options: { on_fail: 'stop' } }, '.body.options.on_fail', 'unknown_field'],
  ['a field that every object inherits', { items: [item], constructor: 1 }, '.body.constructor', 'unknown_field'],
  [
    'an option named like an inherited member',
    { items: [item], options: { toString: 1 } },
    '.body.options.toString',
    'unknown_field',
  ],
  [
    'a field with a name of 100,000 characters',
    { items: [item], ['k'.repeat(100_000)]: 1 },
    `.body["${'k'.repeat(64)}…"]`,
    'unknown_field',
  ],
  [
    'a field inside an unknown field named like an inherited member',
    { items: [item], x: { constructor: 1 } },
    '.body.x',
    'unknown_field',
  ],
  ['an array of options', { items: [item], options: [{}, {}] }, '.body.options', 'object'],
  ['options that are no object', { items: [item], options: 'stop' }, '.body.options', 'object'],
  ['a bad on_error', { items: [item], options: { on_error: 'ignore' } }, '.body.options.on_error', 'enum'],
  ['a bad return', { items: [item], options: { return: 'all' } }, '.body.options.return', 'enum'],
  ['max_failures of 0', { items: [item], options: { max_failures: 0 } }, '.body.options.max_failures', 'min'],
  ['max_failures of 101', { items: [item], options: { max_failures: 101 } }, '.body.options.max_failures', 'max'],
  ['max_failures of 1.5', { items: [item], options: { max_failures: 1.5 } }, '.body.options.max_failures', 'integer'],
  [
    'max_failures with on_error stop',
    { items: [item], options: { max_failures: 2, on_error: 'stop' } },
    '.body.options.max_failures',
    'exclusive',
  ],
  [
    'max_failures with on_error rollback',
    { items: [item], options: { max_failures: 2, on_error: 'rollback' } },
    '.body.options.max_failures',
    'exclusive',
  ],
  [
    'a bad skip_unchanged',
    { items: [item], options: { skip_unchanged: 1 } },
    '.body.options.skip_unchanged',
    'boolean',
  ],
  ['a bad dry_run', { items: [item], options: { dry_run: 'yes' } }, '.body.options.dry_run', 'boolean'],
];

it.each(cases)('responds invalid_request with the field and the rule to %s', async (_, body, field, code) => {
  const { status, body: response } = await api.caller.call('POST', api.caller.path('organization/batch/update'), {
    body,
  });
  expect(status).toBe(400);
  expect(response.error.code).toBe('invalid_request');
  expect(response.error.errors).toEqual([{ field, code, message: expect.any(String) }]);
});

it('executes no item', async () => {
  const id = await api.caller.create();
  await api.caller.update([{ id, default: { name: 'No' } }], { on_error: 'ignore' });
  expect((await api.caller.read(id)).version).toBe(1);
});

it('lists 20 of 9,000 unknown fields', async () => {
  const unknown = Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`k${n}`, 1]));
  const path = api.caller.path('organization/batch/update');
  for (const body of [
    { items: [item], ...unknown },
    { items: [item], options: unknown },
  ]) {
    const response = await api.caller.call('POST', path, { body });
    expect([response.status, response.body.error.errors.length]).toEqual([400, 20]);
  }
});
