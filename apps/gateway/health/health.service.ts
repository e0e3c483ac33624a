import { Inject, Injectable, Logger } from '@nestjs/common';
import {
  READINESS_TIMEOUT_MS,
  checkDatabase,
  type ConnectionPool,
  ControlDatabase,
  type DatabaseChecks,
  describeConnectionFailure,
  ReadDatabase,
  readSchemaFiles,
  unreadinessReason,
} from '#libs/database';
import { Redis, type RedisHealth } from '#libs/redis';
import { ProcessMetrics } from '#libs/telemetry';
import { Lifecycle } from '../http/lifecycle';

/** `degraded`: writes are served, some requests more slowly or not at all. `unavailable`: send requests elsewhere. */
type HealthStatus = 'ok' | 'degraded' | 'unavailable';

export interface Health {
  status: HealthStatus;
  checks: DatabaseChecks & {
    redis: RedisHealth;
    /** Only with `DATABASE_READ_URL`. While it is down, list, query and count are 503. */
    replica?: 'up' | 'down';
    draining: boolean;
  };
}

/** What was found out about the replica. `replicaReason`: why it is down, for operators. */
type ReplicaCheck = Pick<Health['checks'], 'replica'> & { readonly replicaReason?: string };

/** Determines whether this process should receive requests. */
@Injectable()
export class HealthService {
  private readonly logger = new Logger(HealthService.name);
  private readonly schema = readSchemaFiles();
  private check: ReturnType<typeof checkDatabase> | undefined;
  private lastStatus: HealthStatus = 'ok';
  private lastReason: string | undefined;

  constructor(
    private readonly database: ControlDatabase,
    @Inject(ReadDatabase) private readonly reads: ConnectionPool,
    private readonly redis: Redis,
    private readonly lifecycle: Lifecycle,
    metrics: ProcessMetrics,
  ) {
    metrics.observeReadiness(async () => (await this.ready()).status !== 'unavailable');
  }

  /** `reason`: why the status is not `ok`, as a sentence; absent if Redis is the reason, which has log lines of its own. */
  async ready(): Promise<Health & { readonly reason?: string }> {
    const [{ checks: database, failure }, { replicaReason, ...replica }] = await Promise.all([
      this.databaseChecks(),
      this.checkReplica(),
    ]);
    const checks = { ...database, redis: this.redis.health(), ...replica, draining: this.lifecycle.draining };
    const status = healthStatusOf(checks);
    const found = {
      status,
      checks,
      ...(replicaReason !== undefined && { reason: `The replica is not available: ${replicaReason}.` }),
      ...(status === 'unavailable' && { reason: unreadinessReason(checks, failure) }),
    };
    this.logChange(found);
    return found;
  }

  /** Concurrent probes share one query. */
  private databaseChecks(): ReturnType<typeof checkDatabase> {
    this.check ??= checkDatabase(this.database, this.schema).finally(() => {
      this.check = undefined;
    });
    return this.check;
  }

  /** Reports what the last query found, so that a busy replica counts as up. Only after a failure it sends a query itself. */
  private async checkReplica(): Promise<ReplicaCheck> {
    if (this.reads.plane !== 'read') return {};
    if (this.reads.connectionFailure === undefined) return { replica: 'up' };
    try {
      await this.reads.query('SELECT', [], { timeoutMs: READINESS_TIMEOUT_MS });
      return { replica: 'up' };
    } catch (error) {
      return { replica: 'down', replicaReason: describeConnectionFailure(error, 'DATABASE_READ_URL') };
    }
  }

  /** One line when the status changes, or the reason for it. */
  private logChange({ status, checks, reason }: Health & { readonly reason?: string }): void {
    if (status === this.lastStatus && reason === this.lastReason) return;
    this.lastStatus = status;
    this.lastReason = reason;
    const line = { message: `readiness: ${status}`, ...checks, reason };
    if (status === 'unavailable') this.logger.warn(line);
    else this.logger.log(line);
  }
}

function healthStatusOf({ postgres, migrations, redis, replica, draining }: Health['checks']): HealthStatus {
  if (postgres === 'down' || migrations !== 'current' || draining) return 'unavailable';
  return redis === 'down' || redis === 'degraded' || replica === 'down' ? 'degraded' : 'ok';
}
