import { describe, expect, it } from 'vitest';
import { readSettings, SettingsError } from './settings.reader';

const DATABASE_URL = 'postgres://prism:hunter2@db:5432/prism';

function errorOf(env: NodeJS.ProcessEnv): string {
  try {
    readSettings({ DATABASE_URL, ...env });
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('readSettings', () => {
  it('requires only the database URL', () => {
    expect(readSettings({ DATABASE_URL })).toEqual({
      logLevel: 'info',
      drainDelayMs: 5000,
      drainGraceMs: 5000,
      host: '0.0.0.0',
      port: 3000,
      metricsHost: '127.0.0.1',
      metricsPort: 9464,
      metricsMaxClients: 100,
      otelServiceName: 'prism-gateway',
      otelTracesSampler: 'parentbased_always_on',
      otelTracesSamplerArg: 1,
      databaseUrl: DATABASE_URL,
      databasePoolSize: 10,
      databasePooler: 'none',
      databasePreparedStatements: 'on',
      redisMode: 'single',
      redisTimeoutMs: 50,
      bodyLimitBytes: 5_242_880,
      itemLimitBytes: 262_144,
      queryTimeoutMs: 3_000,
      requestTimeoutMs: 30_000,
      recordLimitBytes: 524_288,
      responseLimitBytes: 16_777_216,
      authFailuresPerSecond: 20,
      authFailuresBurst: 100,
      maxItemsInFlight: 900,
      maxConnections: 4096,
      maxBodyBytesInFlight: 33_554_432,
      maxResponseBytesInFlight: 33_554_432,
      admissionMaxQueueLength: 1000,
      admissionMaxWaitMs: 5000,
      maxEventLoopDelayMs: 500,
      rateLimitItemsPerSecond: 0,
      rateLimitRequestsPerSecond: 0,
      rateLimitBytesPerSecond: 0,
      lockTimeoutMs: 2000,
      durability: 'batch',
      unknownProperties: 'reject',
      idempotencyTtlSeconds: 86_400,
      idempotencyCacheSeconds: 3600,
      importMaxJobs: 10,
      importConcurrency: 2,
      importLeaseSeconds: 10,
      retentionIntervalSeconds: 60,
    });
  });

  it('prefers a value that is set to the default', () => {
    const settings = readSettings({
      DATABASE_URL: 'postgresql:///prism?host=/run/postgresql',
      REDIS_URL: 'rediss://cache:6380/1',
      HOST: '::1',
      PORT: '0',
      METRICS_PORT: '0',
      DURABILITY: 'item',
      IDEMPOTENCY_TTL_SECONDS: '604800',
    });
    expect(settings).toMatchObject({
      databaseUrl: 'postgresql:///prism?host=/run/postgresql',
      redisUrl: 'rediss://cache:6380/1',
      host: '::1',
      port: 0,
      metricsPort: 0,
      durability: 'item',
      idempotencyTtlSeconds: 604_800,
    });
  });

  it.each(['10.0.0.0/8', '10.1.2.3', '10.0.0.0/8, 2001:db8::/32', '::1'])(
    'accepts the networks %s',
    (TRUSTED_PROXIES) => {
      expect(readSettings({ DATABASE_URL, TRUSTED_PROXIES }).trustedProxies).toBe(TRUSTED_PROXIES);
    },
  );

  it('returns frozen settings', () => {
    expect(Object.isFrozen(readSettings({ DATABASE_URL }))).toBe(true);
  });

  it('treats an empty variable as unset', () => {
    const settings = readSettings({ DATABASE_URL, PORT: '', REDIS_URL: '', LOG_LEVEL: '' });
    expect(settings).toMatchObject({ port: 3000, logLevel: 'info' });
    expect(settings.redisUrl).toBeUndefined();
    expect(errorOf({ DATABASE_URL: '' })).toContain('DATABASE_URL is not set');
  });

  it('ignores unknown variables', () => {
    expect(errorOf({ PORTS: 'x', PATH: '/bin' })).toBe('accepted');
  });

  it('reports every invalid variable with its allowed values and its default', () => {
    const message = errorOf({ DATABASE_URL: '', PORT: '80a', LOG_LEVEL: 'loud', REDIS_URL: 'localhost:6379' });
    expect(message.split('\n')).toEqual([
      'The configuration is not valid:',
      '  LOG_LEVEL is "loud". Allowed: fatal, error, warn, info, debug, trace, silent. Correct it, or unset it to use the default, info.',
      '  PORT is "80a". Allowed: integer, 0 to 65535. Correct it, or unset it to use the default, 3000.',
      '  DATABASE_URL is not set. It is required: The URL of the Postgres database, in the syntax of libpq. Of several hosts (postgres://user@host1,host2/database) the first writable server is used; a server that is read-only is never used. Allowed: URL, postgres:// or postgresql://, with one or several hosts; sslmode (or else PGSSLMODE) is disable, require, verify-ca (with sslrootcert) or verify-full; target_session_attrs is read-write or any; of the other parameters of libpq only host, port, user, password, sslcert, sslkey, application_name are allowed.',
      '  REDIS_URL has a value that is not allowed. Allowed: redis://user:password@host:port/database or rediss://..., several hosts separated by commas. Correct it, or unset it.',
    ]);
  });

  it('rejects a URL for reads that requests the writable server, and says what to do instead', () => {
    const DATABASE_READ_URL = 'postgres://one,two/prism?target_session_attrs=';
    expect(errorOf({ DATABASE_READ_URL: `${DATABASE_READ_URL}any` })).toBe('accepted');
    expect(errorOf({ DATABASE_READ_URL: `${DATABASE_READ_URL}read-write` })).toContain(
      'target_session_attrs is any (to read from the writable server, unset this variable)',
    );
  });

  it.each(['1e3', '0x10', ' 80', '80 ', '-1', '+1', '1.5', '65536', '99999999999999999999', '٣', 'NaN', '1_000'])(
    'rejects the port %j',
    (PORT) => {
      expect(errorOf({ PORT })).toContain('PORT ');
    },
  );

  it.each([
    ['DATABASE_POOL_SIZE', '0'],
    ['REDIS_TIMEOUT_MS', '0'],
    ['BODY_LIMIT_BYTES', '0'],
    ['ITEM_LIMIT_BYTES', '104857601'],
    ['REQUEST_TIMEOUT_MS', '0'],
    ['LOCK_TIMEOUT_MS', '0'],
    ['IDEMPOTENCY_TTL_SECONDS', '604801'],
    ['IDEMPOTENCY_CACHE_SECONDS', '0'],
    ['DRAIN_DELAY_MS', '600001'],
    ['DRAIN_GRACE_MS', '600001'],
    ['METRICS_PORT', '70000'],
    ['HOST', 'a b'],
    ['METRICS_HOST', 'http://x'],
    ['DURABILITY', 'none'],
    ['UNKNOWN_PROPERTIES', 'maybe'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'no-value'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=1,,b=2'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a b=1'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%0d%0ab'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'a=%zz'],
    ['OTEL_SERVICE_NAME', 'two words'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['TRUSTED_PROXIES', 'balancer'],
    ['TRUSTED_PROXIES', '10.0.0.0/8,'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['TRUSTED_PROXIES', 'fe80::1%eth0'],
  ])('rejects %s=%s', (name, value) => {
    expect(errorOf({ [name]: value })).toMatch(new RegExp(`^  ${name} .*Allowed: `, 'm'));
  });

  it('rejects the same port for the API and the admin port', () => {
    expect(errorOf({ METRICS_PORT: '3000' })).toContain('METRICS_PORT is the same as PORT (3000)');
    expect(errorOf({ PORT: 'x', METRICS_PORT: 'x' })).not.toContain('the same');
  });

  it('rejects a limit of responses that does not fit two records', () => {
    const limits = { RESPONSE_LIMIT_BYTES: '1048575', RECORD_LIMIT_BYTES: '524288' };
    expect(errorOf(limits)).toContain('RESPONSE_LIMIT_BYTES is 1048575. It must be at least twice RECORD_LIMIT_BYTES');
    expect(errorOf({ ...limits, RESPONSE_LIMIT_BYTES: '1048576' })).toBe('accepted');
  });

  it.each([
    [
      { REDIS_URL: 'redis://:hunter2@a,b' },
      'REDIS_URL has 2 hosts. Give one host, or set REDIS_MODE to sentinel or cluster.',
    ],
    [{ REDIS_URL: 'redis://a', REDIS_MODE: 'sentinel' }, 'REDIS_SENTINEL_MASTER is not set. It is required'],
    [
      { REDIS_URL: 'redis://a/1', REDIS_MODE: 'cluster' },
      'REDIS_URL has the database 1. A cluster has only database 0',
    ],
    [{ REDIS_MODE: 'cluster' }, 'REDIS_MODE is cluster, but REDIS_URL has no valid value'],
    [{ REDIS_URL: 'redis://a', REDIS_MODE: 'clustre' }, 'REDIS_MODE is "clustre"'],
  ])('rejects %o', (env, message) => {
    expect(errorOf(env)).toContain(message);
    expect(errorOf(env)).not.toContain('hunter2');
  });

  it.each([
    { REDIS_URL: 'redis://a,b:26380', REDIS_MODE: 'sentinel', REDIS_SENTINEL_MASTER: 'mymaster' },
    { REDIS_URL: 'rediss://u:p@a,b', REDIS_MODE: 'cluster' },
  ])('accepts %o', (env) => {
    expect(errorOf(env)).toBe('accepted');
  });

  it('accepts a name of the service that is a label', () => {
    expect(readSettings({ DATABASE_URL, OTEL_SERVICE_NAME: 'prism.eu-1' }).otelServiceName).toBe('prism.eu-1');
  });

  it.each([
    'mysql://u:hunter2@db/x',
    'db:5432',
    'postgres:db',
    'postgres://u:hunter2@d b/x',
    'postgres://u:hunter2@db:x/y',
  ])('rejects the database URL %s without repeating it', (url) => {
    const message = errorOf({ DATABASE_URL: url });
    expect(message).toContain('DATABASE_URL has a value that is not allowed');
    expect(message).not.toContain(url);
    expect(message).not.toContain('hunter2');
  });

  it('does not repeat a secret that was set in the wrong variable', () => {
    expect(errorOf({ REDIS_URL: DATABASE_URL, LOG_LEVEL: 'mk_live_0123456789abcdef', PORT: DATABASE_URL })).not.toMatch(
      /hunter2|mk_live/,
    );
  });
});
