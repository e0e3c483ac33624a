export { Redis } from './redis.connection';
export type { RedisScript } from './redis.connection';
export type { RedisHealth } from './redis.status';
export { RedisModule } from './redis.module';
export type { RedisReply } from './redis.reply';
export { RedisMetrics } from './redis.metrics';
