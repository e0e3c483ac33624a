import { Inject, Injectable, Logger } from '@nestjs/common';
import { Settings } from '#libs/config';
import { itemError } from '#libs/errors';
import { Deadline } from '#libs/limits';
import { DEFAULT_OPTIONS, MAX_ITEMS, type PlanItem, RecordWriter, planReject } from '#libs/records';
import { CurrentLookups } from './current.lookups';
import { chunkKey } from './import.job';
import { ImportJobMetrics, ImportMetrics } from './import.metrics';
import { rowResults } from './import.result';
import { foldedMatchOf, type Spellings, SpellingResolver, withSpellings } from './spelling.resolver';
import { type ChunkAttempt, ImportJobRepository, type LeasedJob } from './import-job.repository';

/** After this many attempts the unfinished rows of a chunk fail. With the growing pauses between them, they take 8 minutes. */
const MAX_ATTEMPTS = 15;
/** How long a worker works on a job while others wait. */
const TURN_MS = 2_000;

/** A turn at one job. */
interface Turn {
  readonly job: LeasedJob;
  readonly stopping: AbortSignal;
  readonly endsAt: number;
  /** The chunks that are running. */
  readonly running: Set<number>;
  leaseLost: boolean;
  /** The spellings of the values of the job. They are read when a chunk first needs them, because that reads all records. */
  spellings?: Promise<Spellings> | undefined;
}

/**
 * Runs import jobs, chunk by chunk. A chunk is a batch with a key in the ledger. So an attempt that was started by another
 * worker, or by this one before it was killed, is continued, and each row is applied once, even if two workers run the same chunk.
 */
@Injectable()
export class ImportRunner {
  private readonly logger = new Logger(ImportRunner.name);

  constructor(
    @Inject(ImportJobRepository) private readonly jobs: ImportJobRepository,
    @Inject(SpellingResolver) private readonly spellings: SpellingResolver,
    @Inject(RecordWriter) private readonly records: RecordWriter,
    @Inject(ImportMetrics) private readonly metrics: ImportMetrics,
    @Inject(ImportJobMetrics) private readonly jobMetrics: ImportJobMetrics,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /**
   * Works on the next job for a while, or until it has nothing more to attempt.
   *
   * @param stopping ends the turn after the chunks in progress
   * @returns false if there was no job
   * @throws DatabaseUnavailable and other errors of the database; the job continues when the lease has ended
   */
  async runTurn(stopping: AbortSignal): Promise<boolean> {
    const job = await this.jobs.claim();
    if (job === undefined) return false;
    const turn: Turn = { job, stopping, endsAt: performance.now() + TURN_MS, running: new Set(), leaseLost: false };
    const heartbeat = setInterval(
      () => {
        this.renew(turn).catch((error: unknown) => {
          this.logger.error(error); // until the database is back, nothing else can be done either
        });
      },
      (this.settings.importLeaseSeconds * 1_000) / 3,
    );
    try {
      const loops = Array.from({ length: this.settings.importConcurrency }, () => this.runChunks(turn));
      // Every loop has ended before the lease is released.
      const failed = (await Promise.allSettled(loops)).find((loop) => loop.status === 'rejected');
      if (failed) throw failed.reason;
    } finally {
      clearInterval(heartbeat);
    }
    await this.jobs.release(job);
    return true;
  }

  private async renew(turn: Turn): Promise<void> {
    turn.leaseLost ||= !(await this.jobs.renew(turn.job));
  }

  private async runChunks(turn: Turn): Promise<void> {
    const { job, running } = turn;
    while (!turn.stopping.aborted && !turn.leaseLost && performance.now() < turn.endsAt) {
      const attempt = await this.jobs.takeChunk(job, [...running]);
      if (attempt === undefined || running.has(attempt.chunk)) return;
      running.add(attempt.chunk);
      try {
        await this.runChunk(turn, attempt);
      } catch (error) {
        this.jobMetrics.countChunk('retry');
        this.logger.error({ message: 'an attempt at an import chunk failed', ...logFieldsOf(job, attempt), error });
      } finally {
        running.delete(attempt.chunk);
      }
    }
  }

  private async runChunk(turn: Turn, attempt: ChunkAttempt): Promise<void> {
    const { job } = turn;
    const { teamId, objectType, clientName, requestId } = job;
    const failsRemainingRows = attempt.overdue || attempt.attempts > MAX_ATTEMPTS;
    const deadline = Deadline.in(this.settings.requestTimeoutMs);
    const items = failsRemainingRows
      ? attempt.items.map((item) => finalFailureOf(item, attempt))
      : await this.resolve(turn, attempt, deadline);
    const { completedBy, outcomes } = await this.records.write(
      { ...{ operation: 'import', teamId, objectType, items }, options: { ...DEFAULT_OPTIONS, return: 'minimal' } },
      {
        client: clientName,
        deadline,
        key: chunkKey(job.id, attempt.chunk, requestId),
      },
    );
    if (completedBy === undefined) {
      this.jobMetrics.countChunk('retry');
      this.logger.warn({ message: 'rows of an import chunk are attempted again', ...logFieldsOf(job, attempt) });
      return;
    }
    const results = rowResults(outcomes, attempt.chunk * MAX_ITEMS);
    const status = await this.jobs.storeChunk(job, attempt, results);
    if (status === undefined) return;
    this.metrics.countRows(results);
    this.jobMetrics.countChunk(failsRemainingRows ? 'failed' : 'done');
    if (failsRemainingRows)
      this.logger.error({ message: 'the remaining rows of an import chunk failed', ...logFieldsOf(job, attempt) });
    if (status === 'processing') return;
    this.jobMetrics.countJob(status);
    this.logger.log({ message: 'an import has ended', status, ...logFieldsOf(job, attempt) });
  }

  /**
   * Resolves the rows by the current lookups and values. The definitions are read within the time of a request: `build_lookups` waits for
   * whatever was planned by older ones.
   */
  private async resolve(turn: Turn, attempt: ChunkAttempt, deadline: Deadline): Promise<PlanItem[]> {
    const lookups = new CurrentLookups(await this.jobs.lookupsOf(turn.job, { timeoutMs: deadline.msLeft('execute') }));
    const items = attempt.items.map((item) => lookups.refresh(item));
    if (!items.some((item) => foldedMatchOf(item) !== undefined)) return items;
    turn.spellings ??= this.spellings.ofJob(turn.job, { timeoutMs: deadline.msLeft('execute') });
    try {
      return withSpellings(items, await turn.spellings);
    } catch (error) {
      turn.spellings = undefined; // the next chunk tries again
      throw error;
    }
  }
}

/**
 * An item error in place of a row. With the key of the chunk, it fails only rows that no attempt has finished. It is final, so an
 * attempt that is still running cannot apply the row. It has no id: the ledger has the ids of the rows that were applied.
 */
function finalFailureOf(item: PlanItem, { overdue }: ChunkAttempt): PlanItem {
  if (item.op === 'reject') return item;
  const message = overdue
    ? 'The import was not finished within 6 days. Nothing was done for this row: send it in a new import.'
    : `The row could not be imported in ${MAX_ATTEMPTS} attempts. Nothing was done for it: send it in a new import.`;
  return planReject(null, { ...itemError(overdue ? 'not_attempted' : 'internal', message), retryable: false });
}

function logFieldsOf({ id, requestId }: LeasedJob, { chunk, attempts }: ChunkAttempt): object {
  return { job_id: id, request_id: requestId, chunk, attempts };
}
