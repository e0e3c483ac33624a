import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type CallDraft, scenario } from './scenario.arbitraries';
import { SentBatch } from './sent.batch';
import type { SentCall } from './sent.call';
import { SentDuplicate } from './sent.duplicate';
import { SentImport } from './sent.import';
import { TeamFixture } from './team.fixture';
import { WriteEnvironment } from './write.environment';

const runs = 200;

let environment: WriteEnvironment;

beforeAll(async () => {
  environment = await WriteEnvironment.open();
});

afterAll(() => environment.close());

describe('writes', () => {
  it("have the model's results for generated batches, duplicates and imports", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ calls, order }) => {
        const fixture = await TeamFixture.create(environment);
        const sent = calls.map((draft) => sentCall(draft, fixture));
        for (const index of order) await sent[index]?.send();
      }),
      { numRuns: runs },
    );
  });
});

function sentCall(draft: CallDraft, fixture: TeamFixture): SentCall {
  switch (draft.kind) {
    case 'batch':
      return new SentBatch(draft, fixture);
    case 'duplicate':
      return new SentDuplicate(draft, fixture);
    case 'import':
      return new SentImport(draft, fixture);
  }
}
