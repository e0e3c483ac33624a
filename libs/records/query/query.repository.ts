import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import {
  type Cancellation,
  type ConnectionPool,
  Database,
  type DatabaseMeter,
  DatabaseUnavailable,
  ReadDatabase,
} from '#libs/database';
import type { Deadline } from '#libs/limits';
import type { Span } from '#libs/telemetry';
import type { FoundRecord } from '../record.repository';
import type { QueryPage, RecordFilter, RecordQuery } from './record.query';
import { countStatement, findStatement, pageStatement, type QueryStatement } from './query.statement';
import { StatementNames } from './statement.names';

/** How a query is executed. */
export interface QueryOptions {
  readonly deadline: Deadline;
  /** Ends the query when it is requested, such as by a client that disconnects. */
  readonly cancellation: Cancellation;
  readonly meter?: DatabaseMeter | undefined;
  readonly span?: Span | undefined;
}

/** A query used up its time budget. */
export class QueryTimeout extends Error {
  override readonly name = 'QueryTimeout';

  /** @param isRequestDeadline whether the deadline of the request was the limit, not `QUERY_TIMEOUT_MS` */
  constructor(
    readonly budgetMs: number,
    readonly isRequestDeadline: boolean,
  ) {
    super(`a query did not finish within ${budgetMs} ms`);
  }
}

/** After the budget, the time for the cancel request to end the statement before its connection is closed. */
const CANCEL_MS = 1_000;

/** A query of one page, as the statement that reads it. It can be read any number of times. */
export interface CompiledPage {
  readonly teamId: string;
  readonly statement: QueryStatement;
}

interface PageRow {
  entries: string | null;
  /** A JSON array of texts and nulls. */
  sort_values: string | null;
}

/** Reads pages of records and counts records. The only place that runs their SQL. */
@Injectable()
export class RecordQueryRepository {
  private readonly names = new StatementNames();

  constructor(
    @Inject(Database) private readonly database: ConnectionPool,
    @Inject(ReadDatabase) private readonly reads: ConnectionPool,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /** The statement of a page, for {@link page}. */
  compile(query: RecordQuery): CompiledPage {
    return { teamId: query.teamId, statement: pageStatement(query, this.settings.responseLimitBytes) };
  }

  /** @throws QueryTimeout, DatabaseUnavailable */
  async page({ teamId, statement }: CompiledPage, options: QueryOptions): Promise<QueryPage> {
    const [row] = await this.run<PageRow>(this.reads, teamId, statement, options);
    const { entries = null, sort_values: sortValues = null } = row ?? {};
    // An array of texts and nulls, as the statement makes it.
    const next = sortValues === null ? undefined : (JSON.parse(sortValues) as (string | null)[]);
    return { entries: entries ?? '', next };
  }

  /** @throws QueryTimeout, DatabaseUnavailable */
  async count(filter: RecordFilter, options: QueryOptions): Promise<number> {
    const [row] = await this.run<{ total: string }>(this.reads, filter.teamId, countStatement(filter), options);
    return Number(row?.total ?? 0);
  }

  /** The first two live records of a filter, as the primary has them. @throws QueryTimeout, DatabaseUnavailable */
  async find(filter: RecordFilter, options: QueryOptions): Promise<FoundRecord[]> {
    const statement = findStatement(filter);
    const rows = await this.run<{ etag: string; record: string }>(this.database, filter.teamId, statement, options);
    return rows.map(({ etag, record }) => ({ etag: `"${etag}"`, json: record }));
  }

  /** Runs a statement within the time budget. When it ends, the statement is canceled: without an index it could run for long. */
  private async run<R extends object>(
    database: ConnectionPool,
    teamId: string,
    { text, values }: QueryStatement,
    options: QueryOptions,
  ): Promise<R[]> {
    const { deadline, cancellation, meter, span } = options;
    const leftMs = deadline.msLeft('commit');
    const budgetMs = Math.floor(Math.min(this.settings.queryTimeoutMs, leftMs));
    const call = { started: false, expired: false };
    // One for this statement, because the count that follows a page must still run.
    const statement = cancellation.child();
    const timer = setTimeout(() => {
      call.expired = true;
      statement.request();
    }, budgetMs);
    try {
      const { rows } = await database.withClient(
        (client) => {
          call.started = true;
          return client.query<R>(this.names.statementOf(text), [...values]);
        },
        { timeoutMs: budgetMs + CANCEL_MS, teamId, cancellation: statement, isReadOnly: true, meter, span },
      );
      return rows;
    } catch (error) {
      const ended = call.expired && call.started && error instanceof DatabaseUnavailable && error.kind !== 'connection';
      throw ended ? new QueryTimeout(budgetMs, leftMs <= this.settings.queryTimeoutMs) : error;
    } finally {
      clearTimeout(timer);
    }
  }
}
