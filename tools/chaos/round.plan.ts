import { allLanes, failoverLanes, type Lane, patroniLanes } from './fault.schedule';

/** Faults and load of a round. */
export interface RoundPlan {
  durationMs: number;
  lanes: readonly Lane[];
  callers: number;
  /** Mean milliseconds between two requests of a caller. */
  pauseMs: number;
  /** The share of requests whose first attempt is sent to both gateways at once. */
  sentTwice: number;
  /** The number of records at the start. */
  records: number;
  /** The share of the items of a batch that have `if_match`. */
  conditional: number;
  /** The share of the items of a batch, and of the patches of one record, that are upserts. */
  upserts: number;
  /** The number of callers that import rows. */
  importers: number;
}

/** The plan for the unchanged gateway: every fault, at a request rate that does not saturate two cores. */
export const fullPlan: Omit<RoundPlan, 'durationMs'> = {
  ...{ lanes: allLanes, callers: 10, pauseMs: 50 },
  ...{ sentTwice: 0.1, records: 250, conditional: 0.1, upserts: 0.2, importers: 1 },
};

/** The plan of `--failover`. Commits wait for the standby, so requests take longer. */
export const failoverPlan: Omit<RoundPlan, 'durationMs'> = { ...fullPlan, lanes: failoverLanes };

/** The plan of `--patroni`. */
export const patroniPlan: Omit<RoundPlan, 'durationMs'> = { ...fullPlan, lanes: patroniLanes };
