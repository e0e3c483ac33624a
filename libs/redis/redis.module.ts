import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Redis } from './redis.connection';
import { RedisMetrics } from './redis.metrics';

/** Provides `Redis`, and closes it after the last response was sent. */
@Module({
  providers: [
    RedisMetrics,
    {
      provide: Redis,
      inject: [Settings, RedisMetrics],
      // Waits for the first connection attempt, so that the first requests can use Redis.
      useFactory: async (settings: Settings, metrics: RedisMetrics): Promise<Redis> => {
        const redis = new Redis(settings, metrics);
        await redis.settled();
        return redis;
      },
    },
  ],
  exports: [Redis],
})
export class RedisModule implements OnApplicationShutdown {
  constructor(private readonly redis: Redis) {}

  async onApplicationShutdown(): Promise<void> {
    await this.redis.close();
  }
}
