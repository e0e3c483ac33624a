import { describe, expect, it } from 'vitest';
import { postgresServers } from './postgres.url';

const COMPAT = 'uselibpqcompat=true';

describe('postgresServers', () => {
  it.each([
    ['postgres://user:p@host:5433/db', [`postgres://user:p@host:5433/db?${COMPAT}`]],
    ['postgresql://host', [`postgresql://host/?${COMPAT}`]],
    ['postgres://[::1]:5432/db', [`postgres://[::1]:5432/db?${COMPAT}`]],
    ['postgres://user:a@b@host/db', [`postgres://user:a@b@host/db?${COMPAT}`]],
    [
      'postgres://user@one:1,two/db?target_session_attrs=read-write&sslmode=verify-full',
      [
        `postgres://user@one:1/db?sslmode=verify-full&${COMPAT}`,
        `postgres://user@two/db?sslmode=verify-full&${COMPAT}`,
      ],
    ],
    [
      'postgres://user@/db?host=one,two&port=5433',
      [1, 2].map((n) => `postgres://user@${n === 1 ? 'one' : 'two'}/db?${COMPAT}&port=5433`),
    ],
    [
      'postgres://user@/db?host=one,two&port=1,2',
      [`postgres://user@one/db?${COMPAT}&port=1`, `postgres://user@two/db?${COMPAT}&port=2`],
    ],
    ['postgres://user@/db?host=/run', [`postgres://user@/db?${COMPAT}&host=%2Frun`]],
    ['postgres://one,two/db?target_session_attrs=any', ['one', 'two'].map((host) => `postgres://${host}/db?${COMPAT}`)],
    ['postgres://user@%2Frun/db', [`postgres://user@/db?${COMPAT}&host=%2Frun`]],
  ])('splits %s', (url, servers) => {
    expect(postgresServers(url)).toEqual(servers);
  });

  it.each([
    'mysql://host/db',
    'postgres:/host/db',
    'postgres://ho st/db',
    'postgres://one:x,two/db',
    'postgres://one,two/db?port=1,2,3',
    'postgres://user@%2F%ff/db',
    'postgres://user@ho%zzst/db',
    'postgres://host/db?sslmode=prefer',
    'postgres://host/db?sslmode=allow',
    'postgres://host/db?sslmode=verify-ca',
    'postgres://host/db?target_session_attrs=standby',
    'postgres://host/db?sslmode=require&channel_binding=require',
    'postgres://host/db?hostaddr=10.0.0.1',
    'postgres://host/db?connect_timeout=10',
    'postgres://host/db?options=-c%20search_path%3Dother',
  ])('rejects %s', (url) => {
    expect(postgresServers(url)).toBeUndefined();
  });

  it('applies the rules of sslmode to PGSSLMODE, if the URL has no sslmode', () => {
    const of = (url: string, mode: string) => postgresServers(url, ['any'], mode);
    expect(of('postgres://host/db', '')).toEqual([`postgres://host/db?${COMPAT}`]);
    expect(of('postgres://host/db', 'require')).toEqual([`postgres://host/db?sslmode=require&${COMPAT}`]);
    expect(of('postgres://host/db?sslmode=verify-full', 'disable')).toEqual([
      `postgres://host/db?sslmode=verify-full&${COMPAT}`,
    ]);
    for (const mode of ['prefer', 'verify-ca', 'no-verify']) expect(of('postgres://host/db', mode)).toBeUndefined();
    expect(of('postgres://host/db?sslrootcert=/ca', 'verify-ca')).toHaveLength(1);
  });

  it('rejects a writable server where any is to be used', () => {
    const url = 'postgres://one,two/db?target_session_attrs=';
    expect(postgresServers(`${url}any`, ['any'])).toHaveLength(2);
    expect(postgresServers(`${url}read-write`, ['any'])).toBeUndefined();
  });
});
