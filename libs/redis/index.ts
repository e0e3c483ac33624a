export { Redis } from './redis.connection';
export type { RedisHealth, RedisScript } from './redis.connection';
export { RedisModule } from './redis.module';
export type { RedisReply } from './redis.reply';
export { RedisMetrics } from './redis.metrics';
