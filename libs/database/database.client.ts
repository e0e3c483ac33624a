import type { PoolClient } from 'pg';
import type { Span } from '#libs/telemetry';
import { DatabaseUnavailable } from './database.errors';
import type { Statement } from './statement';
import { inStatementSpan } from './statement.span';

export interface Rows<R> {
  rows: R[];
  rowCount: number | null;
}

/** A pooled connection, usable until the function that received it returns. */
export interface DatabaseClient {
  query<R extends object = Record<string, unknown>>(
    statement: string | Statement,
    values?: readonly unknown[],
  ): Promise<Rows<R>>;
}

interface ClientOptions {
  /** Whether each connection prepares its statements once. */
  readonly preparedStatements: boolean;
  /** Whether the caller has stopped waiting: then no further statement is sent. */
  readonly isEnded: () => boolean;
  readonly span: Span | undefined;
}

/** Wraps a pooled connection for one caller. */
export function databaseClient(client: PoolClient, options: ClientOptions): DatabaseClient {
  const { preparedStatements, isEnded, span } = options;
  const run = async <R extends object>(
    statement: string | Statement,
    values: readonly unknown[] = [],
  ): Promise<Rows<R>> => {
    if (isEnded()) throw new DatabaseUnavailable('timeout');
    const { name, text } = typeof statement === 'string' ? { name: undefined, text: statement } : statement;
    const isPrepared = preparedStatements && name !== undefined;
    return client.query<R & Record<string, unknown>>({ ...(isPrepared && { name }), text, values: [...values] });
  };
  if (span === undefined) return { query: run };
  return {
    query: <R extends object>(statement: string | Statement, values?: readonly unknown[]) =>
      inStatementSpan(span, client, statement, () => run<R>(statement, values)),
  };
}
