import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RequestError } from '#libs/errors';
import type { Span } from '#libs/telemetry';
import type { AppliedBatch } from './applied.batch';
import { inBatchSpan } from './batch.span';
import type { Plan } from './plan';

const span = { spanId: '1', child: vi.fn<Span['child']>(), set: vi.fn(), fail: vi.fn(), end: vi.fn() };
const plan = {
  operation: 'update',
  objectType: 'contact',
  options: { onError: 'continue', dryRun: false },
  items: [{}, {}],
} as unknown as Plan; // nothing else is read

beforeEach(() => {
  vi.resetAllMocks();
  span.child.mockReturnValue(span);
});

/** Runs a batch whose items end with these error codes; undefined for a success. */
async function run(codes: readonly (string | undefined)[], change: Partial<AppliedBatch> = {}): Promise<void> {
  const outcomes = codes.map((code) => ({ entry: '{}', code, replayed: false }));
  const applied = { state: 'executed', outcomes, completedBy: undefined, canceled: false, ...change } as AppliedBatch;
  expect(await inBatchSpan(span, plan, true, () => Promise.resolve(applied))).toBe(applied);
  expect(span.end).toHaveBeenCalledTimes(1);
}

describe('the span of a batch', () => {
  it('counts the items by outcome, and is no error if only the caller is at fault', async () => {
    await run(['not_found', undefined]);
    expect(span.set).toHaveBeenCalledWith(
      expect.objectContaining({ 'prism.items.succeeded': 1, 'prism.items.failed': 1, 'prism.items.replayed': 0 }),
    );
    expect(span.fail).not.toHaveBeenCalled();
  });

  it('counts every item of a replay as replayed', async () => {
    await run([undefined, undefined], { state: 'replayed' });
    expect(span.set).toHaveBeenCalledWith(expect.objectContaining({ 'prism.items.replayed': 2 }));
  });

  it('has the error of an item that the server failed, unless the client disconnected', async () => {
    await run([undefined, 'unavailable']);
    expect(span.fail).toHaveBeenCalledExactlyOnceWith('unavailable');
    vi.resetAllMocks();
    span.child.mockReturnValue(span);
    await run([undefined, 'outcome_unknown'], { canceled: true });
    expect(span.fail).not.toHaveBeenCalled();
  });

  it.each([
    ['the code of a rejected request', new RequestError('idempotency_key_mismatch'), 'idempotency_key_mismatch'],
    ['internal for any other error', new TypeError('secret'), 'internal'],
  ])('ends with %s', async (_what, error, type) => {
    await expect(inBatchSpan(span, plan, false, () => Promise.reject(error))).rejects.toBe(error);
    expect(span.fail).toHaveBeenCalledExactlyOnceWith(type);
    expect(span.end).toHaveBeenCalledTimes(1);
  });
});
