import { Module } from '@nestjs/common';
import { RedisModule } from '#libs/redis';
import { Admission } from './admission.service';
import { LimitsMetrics } from './limits.metrics';
import { RateLimiter } from './rate.limiter';

/** Admission and rate limits. Requires the global `TelemetryModule`. */
@Module({
  imports: [RedisModule],
  providers: [LimitsMetrics, Admission, RateLimiter],
  exports: [Admission, RateLimiter],
})
export class LimitsModule {}
