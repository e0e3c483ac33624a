// @module-tag redis-server
import { beforeAll, describe, expect, it } from 'vitest';
import { failoverKinds } from '../../tools/chaos/fault.schedule';
import { type MutantName, mutants } from '../../tools/chaos/mutants/mutant.catalogue';
import { buildChaos, chaos } from './chaos.run';

beforeAll(buildChaos);

describe('chaos', () => {
  it('with failovers of a synchronous pair loses no acknowledged change', { timeout: 240_000 }, async () => {
    const { code, output, summary } = await chaos('--failover', '--seconds', '60', '--seed', '20');
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('violations') as string });
    expect(summary).toMatchObject({ violations: 0, figures: { lost: 0, duplicated: 0 } });
    const { faults, figures, firstWrites } = summary ?? {};
    for (const kind of failoverKinds) expect(faults?.[kind], kind).toBeGreaterThanOrEqual(2);
    expect(firstWrites?.length).toBeGreaterThanOrEqual(6); // each takeover was followed by a write, without a restart
    expect(figures?.appliedItems).toBeGreaterThan(1_000);
  });

  it.each(Object.keys(mutants) as MutantName[])('detects a gateway with %s', { timeout: 150_000 }, async (mutant) => {
    const { code, output } = await chaos('--seconds', '60', '--seed', '20', '--mutant', mutant);
    expect(output).toContain('VIOLATION');
    expect(code).toBe(1);
  });

  it('reports an invalid command line', async () => {
    const { code, output } = await chaos('--mutant', 'nobody');
    expect(code).toBe(2);
    expect(output).toContain('--mutant must be one of mark-skipped');
  });
});
