export { Admission, type Admitted } from './admission.service';
export { LimitsModule } from './limits.module';
export { LocalBuckets } from './local.buckets';
export { Quota } from './quota';
export { availableIn, type BucketState, chargesOf, MAX_RATES, type Rate, type Rates, wholeSeconds } from './rate';
export { type Decision, RateLimiter, retryAfterSeconds } from './rate.limiter';
