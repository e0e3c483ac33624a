import { describe, expect, it } from 'vitest';
import { routableTarget } from './request-head';

describe('the target for the router', () => {
  it.each([
    ['/v2/prism?select=a', '/v2/prism?select=a'],
    ['http://host/v2/prism', '/v2/prism'],
    ['http://host?select=a', '/?select=a'],
    ['http://host', '/'],
    ['/%zz/100%25', '/%25zz/100%2525'],
    ['*', '/'],
    ['host:443', '/'],
  ])('of %s is %s', (url, target) => {
    expect(routableTarget({ url })).toBe(target);
  });
});
