import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figures } from './checker/exactly-once.checker';
import type { Violation } from './checker/violation';
import { FIRST_WRITE_TARGET_MS, type FirstWrite } from './failover.figures';
import type { FaultKind } from './fault.schedule';
import type { RoundProgress, RoundResult } from './round';
import type { ChaosEnvironment } from './chaos.environment';

const shownViolations = 20;

/** The result of a run. */
export interface Summary {
  seed: number;
  mutant: string | null;
  seconds: number;
  rounds: number;
  figures: Figures;
  faults: Partial<Record<FaultKind, number>>;
  /** After each takeover of a standby. */
  firstWrites: FirstWrite[];
  /** The highest number of backends of both gateways. */
  backends: number;
  violations: number;
}

/** A line of progress. */
export function progressLine(elapsedMs: number, before: Figures, { histories, faults }: RoundProgress): string {
  const attempts = histories.reduce((sum, request) => sum + request.attempts.length, 0);
  const items = histories.reduce((sum, request) => sum + request.items.length, 0);
  const injected = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `${String(Math.round(elapsedMs / 1_000)).padStart(5)} s`,
    `requests ${before.requests + histories.length}`,
    `items ${before.items + items}`,
    `retries ${before.retries + Math.max(0, attempts - histories.length)}`,
    `faults ${injected}`,
  ].join('  ');
}

/** The figures of a run, one per line. */
export function summaryText({ seed, mutant, seconds, rounds, figures, faults, ...rest }: Summary): string {
  const { firstWrites, backends, violations } = rest;
  const rows: [string, string | number][] = [
    ['seed', seed],
    ...(mutant === null ? [] : [['mutant', mutant] as [string, string]]),
    ['seconds', Math.round(seconds)],
    ['rounds', rounds],
    ['requests', figures.requests],
    ['  batches', figures.batches],
    ['items', figures.items],
    ['attempts', figures.attempts],
    ['retries', figures.retries],
    ['attempts without a response', figures.withoutResponse],
    ['items applied', figures.appliedItems],
    ['rows imported', figures.importedRows],
    ['items applied but never acknowledged', figures.unknownItems],
    ['resumed items', figures.resumedItems],
    ['replayed responses', figures.fullReplays],
    ['faults', Object.values(faults).reduce((sum, count) => sum + count, 0)],
    ...Object.entries(faults)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([kind, count]): [string, number] => [`  ${kind}`, count]),
    ['backends at most', backends],
    ...takeoverRows(firstWrites),
    ['lost', figures.lost],
    ['duplicated', figures.duplicated],
    ['violations', violations],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

/** The slowest first write, apart for takeovers that another fault disturbed. */
function takeoverRows(firstWrites: readonly FirstWrite[]): [string, number][] {
  if (firstWrites.length === 0) return [];
  const slowest = (disturbed: boolean): number =>
    Math.round(Math.max(0, ...firstWrites.filter((each) => each.disturbed === disturbed).map(({ ms }) => ms)));
  return [
    ['first writes of a gateway after a takeover', firstWrites.length],
    ['  disturbed by another fault', firstWrites.filter(({ disturbed }) => disturbed).length],
    ['  ms to the first write, at most', slowest(false)],
    ['  the same when disturbed', slowest(true)],
    [
      `  undisturbed, later than ${FIRST_WRITE_TARGET_MS} ms (target 0)`,
      firstWrites.filter(({ ms, disturbed }) => !disturbed && ms > FIRST_WRITE_TARGET_MS).length,
    ],
  ];
}

/** The first violations in full; the rest are in the files. */
export function violationText(violations: readonly Violation[]): string {
  const lines = violations.slice(0, shownViolations).map(({ rule, message, key, item, record }) => {
    const where = [
      key === undefined ? '' : ` key ${key}`,
      item === undefined ? '' : ` item ${item}`,
      record === undefined ? '' : ` record ${record}`,
    ];
    return `VIOLATION ${rule}${where.join('')}: ${message}\n`;
  });
  const more = violations.length - lines.length;
  return lines.join('') + (more > 0 ? `and ${more} more violations\n` : '');
}

/** Writes a round with violations to a new folder. @returns its path */
export function saveRound({ round, schedule, violations }: RoundResult, { processes }: ChaosEnvironment): string {
  const folder = mkdtempSync(join(tmpdir(), 'prism-chaos-'));
  const write = (name: string, content: unknown): void => {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 1));
  };
  write('violations.json', violations);
  write('schedule.json', schedule);
  write('history.json', round);
  for (const { name, lastLog } of processes) write(`${name.replaceAll(' ', '-')}.log`, lastLog);
  return folder;
}
