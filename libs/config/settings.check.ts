import { parseRedisUrl } from './redis.url';
import type { Settings } from './settings';

/** The contradictions between settings that are each valid alone, as one message each. */
export function contradictionsOf(settings: Settings): string[] {
  return [...portErrors(settings), ...limitErrors(settings), ...redisErrors(settings)];
}

function* portErrors({ port, metricsPort }: Settings): Generator<string> {
  // Either is undefined if its variable is not valid.
  if ((port as number | undefined) === undefined || port === 0 || port !== metricsPort) return;
  yield `METRICS_PORT is the same as PORT (${port}). Set another port for one of them.`;
}

function* limitErrors({ responseLimitBytes, recordLimitBytes }: Settings): Generator<string> {
  if (responseLimitBytes < 2 * recordLimitBytes) {
    yield `RESPONSE_LIMIT_BYTES is ${responseLimitBytes}. It must be at least twice RECORD_LIMIT_BYTES (${recordLimitBytes}).`;
  }
}

function* redisErrors({ redisMode, redisUrl, redisSentinelMaster }: Settings): Generator<string> {
  const address = redisUrl === undefined ? undefined : parseRedisUrl(redisUrl);
  if (address === undefined) {
    if (redisMode === 'sentinel' || redisMode === 'cluster') {
      yield `REDIS_MODE is ${redisMode}, but REDIS_URL has no valid value. Set it, or unset REDIS_MODE to run without Redis.`;
    }
    return;
  }
  if (redisMode === 'single' && address.hosts.length > 1) {
    yield `REDIS_URL has ${address.hosts.length} hosts. Give one host, or set REDIS_MODE to sentinel or cluster.`;
  }
  if (redisMode === 'sentinel' && redisSentinelMaster === undefined) {
    yield 'REDIS_SENTINEL_MASTER is not set. It is required if REDIS_MODE is sentinel: the name of the master, as in sentinel.conf.';
  }
  if (redisMode === 'cluster' && address.database !== 0) {
    yield `REDIS_URL has the database ${address.database}. A cluster has only database 0: remove it.`;
  }
}
