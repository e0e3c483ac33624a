import { describe, expect, it } from 'vitest';
import { parseRedisUrl } from './redis.url';

describe('parseRedisUrl', () => {
  it.each([
    ['redis://cache', { tls: false, hosts: [{ host: 'cache' }], database: 0 }],
    ['redis://cache/', { tls: false, hosts: [{ host: 'cache' }], database: 0 }],
    ['rediss://cache:6380/1', { tls: true, hosts: [{ host: 'cache', port: 6380 }], database: 1 }],
    ['redis://:secret@a', { tls: false, password: 'secret', hosts: [{ host: 'a' }], database: 0 }],
    [
      'redis://prism:a%40b:c@a:1,b:2,c',
      {
        tls: false,
        username: 'prism',
        password: 'a@b:c',
        hosts: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }, { host: 'c' }],
        database: 0,
      },
    ],
    ['redis://u:p@ss@a', { tls: false, username: 'u', password: 'p@ss', hosts: [{ host: 'a' }], database: 0 }],
    ['redis://[::1]:6379', { tls: false, hosts: [{ host: '::1', port: 6379 }], database: 0 }],
  ])('reads %s', (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address);
  });

  it.each([
    'cache:6379',
    'http://cache',
    'redis://',
    'redis:///0',
    'redis://a,',
    'redis://a:0',
    'redis://a:65536',
    'redis://a:x',
    'redis://a b',
    'redis://a/x',
    'redis://a/1/2',
    'redis://a?tls=1',
    'redis://:%zz@a',
    'redis://::1',
  ])('rejects %s', (url) => {
    expect(parseRedisUrl(url)).toBeUndefined();
  });
});
