import { beforeEach, expect, it, vi } from 'vitest';
import type { Span } from '#libs/telemetry';
import { inScriptSpan } from './script.span';

const span = { spanId: '1', child: vi.fn<Span['child']>(), set: vi.fn(), fail: vi.fn(), end: vi.fn() };

beforeEach(() => {
  vi.resetAllMocks();
  span.child.mockReturnValue(span);
});

it('the span of a script has its name without the number of keys', async () => {
  const reply = { ok: true, value: 1 } as const;
  expect(await inScriptSpan(span, '/app/lua/charge-1.lua', () => Promise.resolve(reply))).toBe(reply);
  expect(span.child).toHaveBeenCalledExactlyOnceWith(
    'EVALSHA charge',
    'client',
    expect.objectContaining({ 'db.stored_procedure.name': 'charge' }),
  );
  expect(span.fail).not.toHaveBeenCalled();
  expect(span.end).toHaveBeenCalledTimes(1);
});

it.each([
  ['no_response', true],
  ['unavailable', false],
])('the span of a script has the error %s if sent is %s', async (type, sent) => {
  await inScriptSpan(span, 'charge-1.lua', () => Promise.resolve({ ok: false, sent }));
  expect(span.fail).toHaveBeenCalledExactlyOnceWith(type);
  expect(span.end).toHaveBeenCalledTimes(1);
});
