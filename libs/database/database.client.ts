import { type PoolClient, Query } from 'pg';
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
    if (typeof statement === 'string') return execute(client, undefined, statement, values);
    return execute(client, preparedStatements ? statement.name : undefined, statement.text, values);
  };
  if (span === undefined) return { query: run };
  return {
    query: <R extends object>(statement: string | Statement, values?: readonly unknown[]) =>
      inStatementSpan(span, client, statement, () => run<R>(statement, values)),
  };
}

/**
 * Runs a statement as a `Query` of pg: `client.query` would copy a configuration with its property descriptors each time, which takes
 * longer than all else that it does to send a statement.
 *
 * @param name undefined: it is not prepared
 */
function execute<R extends object>(
  client: PoolClient,
  name: string | undefined,
  text: string,
  values: readonly unknown[],
): Promise<Rows<R>> {
  return new Promise((resolve, reject) => {
    const query = new Query<R & Record<string, unknown>>(text, [...values], (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
    client.query(Object.assign(query, { name }));
  });
}
