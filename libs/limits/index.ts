export { Admission, overloaded, type WorkPermit } from './admission.service';
export type { Step } from './cpu.scheduler';
export { Deadline } from './deadline';
export { FairQueue, type Permit, type Rejection } from './fair.queue';
export { type CpuStage, LimitsMetrics } from './limits.metrics';
export { LimitsModule } from './limits.module';
export { LocalBuckets } from './local.buckets';
export {
  availableIn,
  type BucketCharge,
  type BucketState,
  chargesOf,
  MAX_RATES,
  RATE_UNITS,
  type Rate,
  type Rates,
  type RateUnit,
  wholeSeconds,
} from './rate';
export { type Decision, Quota, RateLimiter, retryAfterSeconds } from './rate.limiter';
