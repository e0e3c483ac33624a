import { allLanes, type Lane } from './fault.schedule';

/** How a round is played. */
export interface RoundPlan {
  durationMs: number;
  lanes: readonly Lane[];
  callers: number;
  /** Milliseconds on average between two requests of a caller. */
  pauseMs: number;
}

/** How an unchanged gateway is tried: everything breaks, at a rate of requests that leaves two cores some air. */
export const fullPlan: Omit<RoundPlan, 'durationMs'> = { lanes: allLanes, callers: 10, pauseMs: 50 };
