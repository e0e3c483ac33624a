export { Redis } from './redis.connection';
export type { RedisHealth, RedisReply, RedisScript } from './redis.connection';
export { RedisModule } from './redis.module';
