import type { TrialResult } from './trial';

/** How many times as long as on a quiet gateway the victim's p99 may be. */
export const MAX_P99_RATIO = 3;

/** Whether an attack failed and, if not, its effects. */
export interface Verdict {
  /** Effects that are never allowed. */
  broken: string[];
  /** Effects that also depend on the machine: a slow victim. */
  slow: string[];
  /** The victim's p99 during the attack, compared with its p99 before. */
  p99Ratio: number;
}

export function verdictOf({ quiet, attacked, unexpectedExit, held }: TrialResult): Verdict {
  const p99Ratio = attacked.latencyMs.p99 / quiet.latencyMs.p99;
  const broken = [
    ...(unexpectedExit === null ? [] : ['died']),
    ...(Object.keys(quiet.rejected).length > 0 ? [`rejected before the attack: ${countsText(quiet.rejected)}`] : []),
    ...(Object.keys(attacked.rejected).length > 0 ? [`victim rejected: ${countsText(attacked.rejected)}`] : []),
    ...(held === null && unexpectedExit === null ? ['frozen'] : []),
    ...(held !== null && Object.keys(held).length > 0 ? [`still held: ${countsText(held)}`] : []),
  ];
  return { broken, slow: p99Ratio > MAX_P99_RATIO ? [`p99 ${p99Ratio.toFixed(1)} x`] : [], p99Ratio };
}

/** @returns the program's exit code: 1 if an attack succeeded. @param strict whether a slow victim counts as well */
export function exitCodeOf(verdicts: readonly Verdict[], strict: boolean): 0 | 1 {
  return verdicts.some(({ broken, slow }) => broken.length > 0 || (strict && slow.length > 0)) ? 1 : 0;
}

/** `3 x 503, 1 x none`. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} x ${name}`)
    .join(', ');
}
