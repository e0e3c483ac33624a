import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientLabel } from '#libs/auth';
import { Deadline, type Quota } from '#libs/limits';
import { RequestError } from '#libs/errors';
import { Instruments } from '#libs/telemetry';
import type { AppliedBatch, Outcome } from './applied.batch';
import { DEFAULT_OPTIONS, type Plan } from './plan';
import type { RecordRepository } from './record.repository';
import { RecordWriter, type WriteContext } from './record.writer';
import { RecordsMetrics } from './records.metrics';

const plan: Plan = {
  teamId: 't',
  objectType: 'organization',
  operation: 'update',
  items: [
    { op: 'read', id: 'a' },
    { op: 'read', id: 'b' },
    { op: 'read', id: 'c' },
  ],
  options: DEFAULT_OPTIONS,
};
function outcome(replayed: boolean): Outcome {
  return { entry: '{}', code: undefined, replayed, seconds: 0 };
}

function applied(state: AppliedBatch['state'], ...replayed: boolean[]): AppliedBatch {
  return { state, outcomes: replayed.map(outcome), completedBy: undefined, canceled: false };
}

describe('RecordWriter with a rate limit', () => {
  const apply = vi.fn<RecordRepository['apply']>();
  const consume = vi.fn<Quota['consume']>();
  const refund = vi.fn<Quota['refund']>();
  const refundItems = vi.fn<Quota['refundItems']>();
  const metrics = new RecordsMetrics(new Instruments(), new ClientLabel({ metricsMaxClients: 100 }));
  // The writer uses no other methods of them.
  const writer = new RecordWriter({ apply } as Partial<RecordRepository> as RecordRepository, metrics);
  const quota = { consume, refund, refundItems } as Partial<Quota> as Quota;
  const context: WriteContext = { client: 'billing', quota, deadline: Deadline.in(1_000) };

  beforeEach(() => {
    vi.resetAllMocks();
    consume.mockResolvedValue();
    refund.mockResolvedValue();
    refundItems.mockResolvedValue();
    apply.mockResolvedValue(applied('executed', false, false, false));
  });

  it('charges the items before it applies the plan', async () => {
    consume.mockRejectedValue(new RequestError('rate_limited'));
    await expect(writer.write(plan, context)).rejects.toThrow('limit');
    expect(consume).toHaveBeenCalledExactlyOnceWith(3);
    expect(apply).not.toHaveBeenCalled();
    expect(refund).not.toHaveBeenCalled();
  });

  it('does not refund the items of an executed plan', async () => {
    await writer.write(plan, context);
    expect(consume).toHaveBeenCalledExactlyOnceWith(3);
    expect(refund).not.toHaveBeenCalled();
  });

  it('refunds a replay', async () => {
    apply.mockResolvedValue(applied('replayed', true, true, true));
    await writer.write(plan, context);
    expect(refund).toHaveBeenCalledExactlyOnceWith(3);
  });

  it('refunds the items that an earlier attempt applied', async () => {
    apply.mockResolvedValue(applied('resumed', true, true, false));
    await writer.write(plan, context);
    expect(refundItems).toHaveBeenCalledExactlyOnceWith(2);
    expect(refund).not.toHaveBeenCalled();
  });

  it('refunds all items if the call fails', async () => {
    apply.mockRejectedValue(new RequestError('idempotency_key_stale'));
    await expect(writer.write(plan, context)).rejects.toThrow('expired');
    expect(refund).toHaveBeenCalledExactlyOnceWith(3);
  });
});
