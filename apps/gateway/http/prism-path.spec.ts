import { describe, expect, it } from 'vitest';
import { isPrismRoute, teamOfPrismPath } from './prism-path';

describe('teamOfPrismPath', () => {
  it.each([
    ['/v2/prism/t/contact', 't'],
    ['/v2/prism/t?x=/y', 't'],
    ['/v2/prism/t#x', 't'],
    ['/v2/prism', ''],
    ['/v2/prism/', ''],
    ['/v2/prism?x', ''],
    ['//v2//prism//t', 't'],
    ['/v2/%70rism/%74', 't'],
    ['/v2%2Fprism%2ft', 't'],
    ['/V2/Prism/T', 'T'],
    ['/v2/prism/%zz/contact', '%zz'],
    ['/%762/prism/%ff', '%ff'],
    ['http://host:80/v2/prism/t', 't'],
    ['HTTPS://host/v2/prism/t', 't'],
  ])('returns the team of %s: %j', (target, team) => {
    expect(teamOfPrismPath(target)).toBe(team);
  });

  it.each([
    '/',
    '',
    '*',
    '/health/live',
    '/v2',
    '/v2/prismatic/t',
    '/v1/prism/t',
    '/x/v2/prism/t',
    '/docs?u=/v2/prism/t',
  ])('returns undefined for %s', (target) => {
    expect(teamOfPrismPath(target)).toBeUndefined();
  });
});

describe('isPrismRoute', () => {
  it.each(['/v2/prism', '/v2/prism/:team/x', '/:version/prism/x', '/v2/:api/x', '/V2/prism/:team'])(
    'is true for %s',
    (url) => {
      expect(isPrismRoute(url)).toBe(true);
    },
  );

  it.each(['/', '*', '/*', '/docs', '/v2', '/v2/other', '/health/:kind'])('is false for %s', (url) => {
    expect(isPrismRoute(url)).toBe(false);
  });
});
