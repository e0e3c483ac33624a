import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';

const STATES = ['building', 'verifying', 'removing', 'failed'] as const;

/** The numbers of lookups of all teams that are unfinished or have failed, by state. */
export interface LookupBacklog extends Readonly<Record<(typeof STATES)[number], number>> {
  /** Seconds since the oldest change that the worker has not completed; 0 without one. */
  readonly oldestSeconds: number;
}

/** Metrics of the lookups that workers build. */
@Injectable()
export class LookupMetrics {
  private readonly lookups;
  /** When the oldest change was made, on the clock of `performance.now()`; undefined without one. */
  private oldestSince: number | undefined;

  constructor(instruments: Instruments) {
    this.lookups = instruments.gauge(
      'prism_lookups_unfinished',
      'Lookups of properties that are not ready, by state. `failed`: some records have equal values, although the lookup is unique. Every worker reports the same number.',
      { state: STATES },
    );
    instruments.gauge(
      'prism_lookup_oldest_change_seconds',
      'Age of the oldest change of a lookup that is not complete yet; 0 without one. The age keeps growing while the worker cannot read the lookups.',
      {},
      (gauge) => {
        gauge.set(this.oldestSince === undefined ? 0 : (performance.now() - this.oldestSince) / 1_000);
      },
    );
    for (const state of STATES) this.lookups.set({ state }, 0);
  }

  setBacklog(backlog: LookupBacklog): void {
    for (const state of STATES) this.lookups.set({ state }, backlog[state]);
    const { building, verifying, removing, oldestSeconds } = backlog;
    this.oldestSince = building + verifying + removing === 0 ? undefined : performance.now() - oldestSeconds * 1_000;
  }
}
