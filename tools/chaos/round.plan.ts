import { allLanes, type Lane } from './fault.schedule';

/** Faults and load of a round. */
export interface RoundPlan {
  durationMs: number;
  lanes: readonly Lane[];
  callers: number;
  /** Mean milliseconds between two requests of a caller. */
  pauseMs: number;
}

/** The plan for the unchanged gateway: every fault, at a request rate that does not saturate two cores. */
export const fullPlan: Omit<RoundPlan, 'durationMs'> = { lanes: allLanes, callers: 10, pauseMs: 50 };
