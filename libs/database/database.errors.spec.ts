import { describe, expect, it } from 'vitest';
import { DatabaseUnavailable, isConnectionFailure, isTransientError, sqlStateOf } from './database.errors';

function reported(code: string, message = 'something'): Error {
  return Object.assign(new Error(message), { code });
}

describe('isConnectionFailure', () => {
  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'ENOTFOUND',
    '08006',
    '53300',
    '57P01',
    '57P03',
    '25006',
  ])('is true for code %s', (code) => {
    expect(isConnectionFailure(reported(code))).toBe(true);
  });

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
  ])('is true for the message of node-postgres: %s', (message) => {
    expect(isConnectionFailure(new Error(message))).toBe(true);
  });

  it.each([
    'could not commit transaction for shard 102008 on any active node',
    'failure on connection marked as essential: db2:5432',
  ])('is true for the message of Citus: %s', (message) => {
    expect(isConnectionFailure(reported('XX000', message))).toBe(true);
    expect(isConnectionFailure(reported('XX000'))).toBe(false);
  });

  it('is true for the error that this library throws', () => {
    expect(isConnectionFailure(new DatabaseUnavailable('timeout'))).toBe(true);
  });

  it.each([
    reported('23505'),
    reported('42P01'),
    reported('57014'),
    new Error('other'),
    null,
    'ECONNREFUSED',
    { code: 8 },
  ])('is false for %s', (error) => {
    expect(isConnectionFailure(error)).toBe(false);
  });
});

describe('isTransientError', () => {
  it.each(['57014', '55P03', '40001', '40P01'])('is true for SQLSTATE %s', (code) => {
    expect(isTransientError(reported(code))).toBe(true);
  });

  it.each(['23505', '22003', '40002', 'ECONNRESET'])('is false for %s', (code) => {
    expect(isTransientError(reported(code))).toBe(false);
  });
});

describe('sqlStateOf', () => {
  it('returns only what Postgres reported', () => {
    expect(sqlStateOf(reported('23505'))).toBe('23505');
    for (const other of [reported('EPIPE5x'), reported('ECONNREFUSED'), new Error('x'), undefined]) {
      expect(sqlStateOf(other)).toBeUndefined();
    }
  });
});

describe('DatabaseUnavailable', () => {
  it('is a 503 that does not reveal its cause', () => {
    const error = new DatabaseUnavailable('connection', { cause: new Error('postgres://user:secret@host') });
    expect(error).toMatchObject({ code: 'unavailable', status: 503, kind: 'connection' });
    expect(error.message).not.toContain('secret');
  });
});
