import { describe, expect, it } from 'vitest';
import { headers } from './variable.type';

describe('headers', () => {
  it('parses names and percent-encoded values', () => {
    expect(headers().parse('api-key=abc%3D%2C, tenant = a=b ,empty=')).toEqual({
      'api-key': 'abc=,',
      tenant: 'a=b',
      empty: '',
    });
  });

  it.each(['', 'a', '=a', 'a=1,', 'a:b=1', 'a=%0d%0ahost: x', 'a=%ff'])('rejects %j', (text) => {
    expect(headers().parse(text)).toBeUndefined();
  });
});
