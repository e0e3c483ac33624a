export { Admission, overloaded, type WorkPermit } from './admission.service';
export { drawsOf } from './bucket';
export type { Permit, Refusal } from './fair.queue';
export { LimitsModule } from './limits.module';
export { LocalBuckets } from './local.buckets';
export { Quota } from './quota';
export type { Rate, Rates } from './rate';
export { RateLimiter } from './rate.limiter';
