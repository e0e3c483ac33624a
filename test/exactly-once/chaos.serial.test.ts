// @module-tag redis-server
import { beforeAll, describe, expect, it } from 'vitest';
import { faultKinds } from '../../tools/chaos/fault.schedule';
import { buildChaos, chaos } from './chaos.run';

beforeAll(buildChaos);

describe('chaos', () => {
  it('for a minute causes no lost and no duplicated change', { timeout: 240_000 }, async () => {
    const { code, output, summary } = await chaos('--seconds', '60', '--seed', '20');
    expect(output).toMatch(/^seed 20\n/);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('violations') as string });
    expect(summary).toMatchObject({ violations: 0, figures: { lost: 0, duplicated: 0 } });
    // Every kind of fault was injected.
    expect(Object.keys(summary?.faults ?? {}).sort()).toEqual([...faultKinds].sort());
    const { figures } = summary ?? {};
    for (const figure of [
      'appliedItems',
      'importedRows',
      'retries',
      'withoutResponse',
      'resumedItems',
      'fullReplays',
    ] as const) {
      expect(figures?.[figure], figure).toBeGreaterThan(20);
    }
  });
});
