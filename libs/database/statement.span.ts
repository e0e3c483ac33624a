import type { PoolClient } from 'pg';
import type { Span } from '#libs/telemetry';
import { connectedClient } from './connected.client';
import { isConnectionFailure, sqlStateOf } from './database.errors';
import type { Statement } from './statement';

/** The first word of a statement, after its comments. */
const OPERATION = /^(?:\s|--.*)*(\w+)/;

/** Runs a statement in a span, which contains its name and never its values. */
export async function inStatementSpan<T>(
  parent: Span,
  pooled: PoolClient,
  statement: string | Statement,
  run: () => Promise<T>,
): Promise<T> {
  const { name, text } = typeof statement === 'string' ? { name: undefined, text: statement } : statement;
  const operation = OPERATION.exec(text)?.[1] ?? 'statement';
  const summary = name === undefined ? operation : `${operation} ${name}`;
  const { host, port, database } = connectedClient(pooled);
  const span = parent.child(summary, 'client', {
    'db.system.name': 'postgresql',
    'db.namespace': database,
    'db.operation.name': operation,
    'db.query.summary': summary,
    'server.address': host,
    'server.port': port,
  });
  try {
    return await run();
  } catch (error) {
    span.fail(sqlStateOf(error) ?? (isConnectionFailure(error) ? 'connection' : 'other'));
    throw error;
  } finally {
    span.end();
  }
}
