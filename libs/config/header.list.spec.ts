import { expect, it } from 'vitest';
import { headersOf } from './header.list';

it('reads names and values, as they are written in percent-encoding', () => {
  expect(headersOf('api-key=abc%3D%2C, tenant = a=b ,empty=')).toEqual({
    'api-key': 'abc=,',
    tenant: 'a=b',
    empty: '',
  });
});

it.each(['', 'a', '=a', 'a=1,', 'a:b=1', 'a=%0d%0ahost: x', 'a=%ff'])('refuses %j', (text) => {
  expect(headersOf(text)).toBeUndefined();
});
