import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { LedgerKey } from '#libs/idempotency';
import type { AppliedBatch, PlanItem } from '#libs/records';
import { batch, newKey, retryOf } from '../support/engine';
import type { BatchDraft } from './batch.arbitraries';
import type { ModelItem, ModelLedger } from './batch.model';
import { ItemResolver } from './item.resolver';
import type { SentCall } from './sent.call';
import type { TeamFixture } from './team.fixture';
import { expectedOutcome } from './write.expectations';

/** A batch that can be sent repeatedly. Its items are resolved when it is sent first. */
export class SentBatch implements SentCall {
  private request: { plan: PlanItem[]; model: ModelItem[] } | undefined;
  private readonly key: LedgerKey | undefined;
  private readonly ledger: ModelLedger | undefined;
  private readonly attempts: AppliedBatch[] = [];

  constructor(
    private readonly draft: BatchDraft,
    private readonly fixture: TeamFixture,
  ) {
    const keyed = draft.keyed && !draft.options.dryRun;
    this.key = keyed ? newKey() : undefined;
    this.ledger = keyed ? new Map() : undefined;
  }

  async send(): Promise<void> {
    this.request ??= await this.resolveItems();
    const { model } = this.request;
    const plan = this.request.plan.map(withNewId);
    const key = this.key && retryOf(this.key);
    const applied = await this.fixture.environment.engine.apply(
      batch(this.fixture.teamId, plan, this.draft.options),
      key,
    );
    for (const [place, item] of model.entries()) item.newId = idOf(applied.outcomes[place]);
    const expected = this.fixture.model.apply(model, this.draft.options, this.ledger);
    if (this.ledger && this.attempts.length > 0 && expected.state === 'executed') expected.state = 'resumed';

    expect(applied.state).toBe(expected.state);
    expect(applied.outcomes.map(readable)).toEqual(
      expected.outcomes.map((outcome) => expectedOutcome(outcome, this.draft.options.return === 'minimal')),
    );
    this.expectCompletion(applied, key);
    this.expectSameBytes(applied);
    await this.fixture.expectTables();
    this.attempts.push(applied);
  }

  /** A replayed outcome has the bytes of the attempt that stored it. */
  private expectSameBytes(applied: AppliedBatch): void {
    for (const [place, { replayed, entry }] of applied.outcomes.entries()) {
      if (!replayed) continue;
      const origin = this.attempts
        .map(({ outcomes }) => outcomes[place])
        .find((earlier) => earlier?.replayed === false && earlier.entry === entry);
      expect(origin, entry).toBeDefined();
    }
  }

  private expectCompletion({ completedBy }: AppliedBatch, key: LedgerKey | undefined): void {
    const first = this.attempts.map((attempt) => attempt.completedBy).find((requestId) => requestId !== undefined);
    expect(completedBy).toBe(key === undefined ? undefined : (first ?? key.requestId));
  }

  private async resolveItems(): Promise<{ plan: PlanItem[]; model: ModelItem[] }> {
    const etags = await this.fixture.environment.engine.etags(this.fixture.teamId);
    const resolver = new ItemResolver(this.fixture, etags, this.draft.options.skipUnchanged === true);
    const both = this.draft.items.map((draft) => resolver.resolve(draft));
    return { plan: both.map(([item]) => item), model: both.map(([, item]) => item) };
  }
}

/** The gateway makes new ids in every attempt. */
function withNewId(item: PlanItem): PlanItem {
  if (item.op === 'create') return { ...item, id: randomUUID() };
  return 'create' in item ? { ...item, create: { ...item.create, id: randomUUID() } } : item;
}

function readable({ entry, code, replayed }: AppliedBatch['outcomes'][number]): unknown {
  return { code, replayed, entry: JSON.parse(entry) as unknown };
}

function idOf(outcome: AppliedBatch['outcomes'][number] | undefined): string | null {
  return (JSON.parse(outcome?.entry ?? '{"id": null}') as { id: string | null }).id;
}
