import { describe, expect, it } from 'vitest';
import { loadOf } from './wrk.driver';

function output(figures: Record<string, number>, example = ''): string {
  const all = { good: 900, rejected: 0, unexpected: 0, socketErrors: 0, microseconds: 3_000_000, ...figures };
  return [
    'Running 3s test @ http://127.0.0.1:3000/v2/prism',
    '  1 threads and 8 connections',
    `BENCH ${JSON.stringify({ ...all, p50: 8_000, p95: 11_500, p99: 20_000, max: 31_000 })}`,
    ...(example === '' ? [] : [`EXAMPLE ${example}`]),
    '',
  ].join('\n');
}

describe('loadOf', () => {
  it('reads the summary of the script', () => {
    expect(loadOf(output({}))).toEqual({
      batches: 900,
      seconds: 3,
      latencyMs: { p50: 8, p95: 11.5, p99: 20, max: 31 },
    });
  });

  it.each(['rejected', 'unexpected', 'socketErrors'])('rejects output with errors: %s', (kind) => {
    expect(() => loadOf(output({ [kind]: 1 }, '503 {"error": {}}'))).toThrow('503 {"error": {}}');
  });

  it('rejects output without a summary', () => {
    expect(() => loadOf('unable to connect')).toThrow('unable to connect');
  });
});
