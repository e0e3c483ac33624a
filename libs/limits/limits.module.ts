import { Module } from '@nestjs/common';
import { RedisModule } from '#libs/redis';
import { Admission } from './admission.service';
import { LimitsMetrics } from './limits.metrics';
import { RateLimiter } from './rate.limiter';

/** What one client may ask of a process, and all of them together. Needs the global `TelemetryModule`. */
@Module({
  imports: [RedisModule],
  providers: [LimitsMetrics, Admission, RateLimiter],
  exports: [Admission, RateLimiter],
})
export class LimitsModule {}
