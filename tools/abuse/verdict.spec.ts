import { describe, expect, it } from 'vitest';
import type { Measurement } from './victim';
import type { TrialResult } from './trial';
import { exitCodeOf, verdictOf } from './verdict';

function measurement(p99: number, rejected: Record<string, number> = {}): Measurement {
  return { requests: 100, latencyMs: { p50: 1, p95: 2, p99, max: p99 }, rejected };
}

function result(changes: Partial<TrialResult>): TrialResult {
  return {
    ...{ attack: 'attack', summary: 'does something', seconds: 1, quiet: measurement(4), attacked: measurement(12) },
    ...{ attacker: { rounds: 1, responses: {} }, unexpectedExit: null, peakBytes: 0, longestStallMs: 0, held: {} },
    ...{ databaseGrowthBytes: 0 },
    ...changes,
  };
}

describe('verdictOf', () => {
  it('passes a gateway that runs, rejects no request of the victim, holds no resource and is at most 3 times as slow', () => {
    expect(verdictOf(result({}))).toEqual({ broken: [], slow: [], p99Ratio: 3 });
  });

  it.each([
    ['died', { unexpectedExit: 'ended with 1', held: null }, 'died'],
    ['rejected a request of the victim', { attacked: measurement(4, { 503: 2 }) }, 'victim rejected: 2 x 503'],
    [
      'rejected requests before the attack',
      { quiet: measurement(12, { none: 1 }) },
      'rejected before the attack: 1 x none',
    ],
    ['holds something', { held: { permits: 3 } }, 'still held: 3 x permits'],
    ['does not respond', { held: null }, 'frozen'],
  ])('fails a gateway that %s', (_, changes, broken) => {
    expect(verdictOf(result(changes)).broken).toEqual([broken]);
    expect(exitCodeOf([verdictOf(result(changes))], false)).toBe(1);
  });

  it('fails for a slow victim only in strict mode', () => {
    const verdicts = [verdictOf(result({ attacked: measurement(13) }))];
    expect(verdicts[0]?.slow).toHaveLength(1);
    expect([exitCodeOf(verdicts, false), exitCodeOf(verdicts, true)]).toEqual([0, 1]);
  });
});
