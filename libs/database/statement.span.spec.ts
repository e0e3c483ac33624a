import type { PoolClient } from 'pg';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Span } from '#libs/telemetry';
import { inStatementSpan } from './statement.span';

const client = { host: 'db', port: 5432, database: 'prism' } as unknown as PoolClient; // nothing else is read

const span = { spanId: '1', child: vi.fn<Span['child']>(), set: vi.fn(), fail: vi.fn(), end: vi.fn() };
const parent: Span = { ...span, child: span.child };

beforeEach(() => {
  vi.resetAllMocks();
  span.child.mockReturnValue(span);
});

/** Runs a statement that fails. */
async function fail(error: unknown): Promise<void> {
  const failing = inStatementSpan(parent, client, 'SELECT 1', () => Promise.reject(error as Error));
  await expect(failing).rejects.toBe(error);
}

describe('the span of a statement', () => {
  it('has the name of the statement and its operation, which comments do not hide', async () => {
    const text = '-- Finds a record.\n  SELECT $1';
    expect(await inStatementSpan(parent, client, { name: 'find_record', text }, () => Promise.resolve(7))).toBe(7);
    expect(span.child).toHaveBeenCalledExactlyOnceWith('SELECT find_record', 'client', {
      'db.system.name': 'postgresql',
      'db.namespace': 'prism',
      'db.operation.name': 'SELECT',
      'db.query.summary': 'SELECT find_record',
      'server.address': 'db',
      'server.port': 5432,
    });
    expect(span.fail).not.toHaveBeenCalled();
    expect(span.end).toHaveBeenCalledTimes(1);
  });

  it('has the operation only if the statement has no name', async () => {
    await inStatementSpan(parent, client, 'COMMIT', () => Promise.resolve());
    expect(span.child).toHaveBeenCalledWith(
      'COMMIT',
      'client',
      expect.objectContaining({ 'db.query.summary': 'COMMIT' }),
    );
  });

  it.each([
    ['the SQLSTATE that Postgres reported', Object.assign(new Error('"secret"'), { code: '23505' }), '23505'],
    ['connection if it was lost', new Error('Connection terminated unexpectedly'), 'connection'],
    ['other for any other error', new TypeError('secret'), 'other'],
  ])('ends with %s, and without the message of the error', async (_what, error, type) => {
    await fail(error);
    expect(span.fail).toHaveBeenCalledExactlyOnceWith(type);
    expect(span.end).toHaveBeenCalledTimes(1);
  });
});
