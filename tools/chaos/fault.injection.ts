import type { ChaosEnvironment } from './chaos.environment';
import type { Fault } from './fault.schedule';
import type { SharedRecords } from './shared.records';

/** Waits for the duration of the fault, or for another time. */
export type Hold = (ms?: number) => Promise<void>;

/** Injects a fault and repairs it; resolves when it is repaired. */
export type Injection = (
  environment: ChaosEnvironment,
  fault: Fault,
  hold: Hold,
  records: SharedRecords,
) => Promise<void>;
