export { Admission, overloaded, type WorkPermit } from './admission.service';
export type { Step } from './cpu.scheduler';
export { Deadline } from './deadline';
export { FairQueue } from './fair.queue';
export { type CpuStage, LimitsMetrics } from './limits.metrics';
export { LimitsModule } from './limits.module';
export type { Permit, Rejection } from './permit';
export {
  availableIn,
  type BucketCharge,
  type BucketState,
  chargesOf,
  LocalBuckets,
  MAX_RATES,
  RATE_UNITS,
  type Rate,
  type Rates,
  type RateUnit,
  wholeSeconds,
} from './rate.bucket';
export { type RateLimitDecision, RateLimiter, retryAfterSeconds } from './rate.limiter';
export { executeCharged, Quota } from './request.quota';
