import { describe, expect, it } from 'vitest';
import { legendOf, substituted } from './panel.query';

describe('what a panel asks', () => {
  it('has every variable replaced, as often as it stands there', () => {
    const expression = 'rate(a{client=~"$client"}[$__rate_interval]) / rate(b{client=~"$client"}[$__rate_interval])';
    expect(substituted(expression, '.+')).toBe('rate(a{client=~".+"}[15s]) / rate(b{client=~".+"}[15s])');
  });

  it('is named by the labels of what comes back', () => {
    expect(legendOf('{{status}} {{route}}', { status: '404', route: '/a' })).toBe('404 /a');
    expect(legendOf('p99', { status: '404' })).toBe('p99');
  });
});
