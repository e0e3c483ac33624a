import { describe, expect, it } from 'vitest';
import { countOf, latenciesOf } from './pgbench.driver';

const output = `pgbench (15.14 (Debian 15.14-0+deb12u1))
transaction type: update_item.sql
scaling factor: 1
query mode: prepared
number of clients: 8
number of threads: 2
maximum number of tries: 1
duration: 3 s
number of transactions actually processed: 21600
number of failed transactions: 0 (0.000%)
latency average = 1.111 ms
initial connection time = 12.201 ms
tps = 7200.000000 (without initial connection time)
`;

describe('countOf', () => {
  it('reads the number of transactions and the time', () => {
    expect(countOf(output)).toEqual({ batches: 21_600, seconds: 3 });
  });

  it('accepts output of older versions without the line of failures', () => {
    expect(countOf(output.replace(/^number of failed.*\n/m, ''))).toEqual({ batches: 21_600, seconds: 3 });
  });

  it('rejects output with failures', () => {
    expect(() => countOf(output.replace('failed transactions: 0', 'failed transactions: 3'))).toThrow('failed');
    expect(() => countOf('pgbench: error: connection refused')).toThrow('connection refused');
  });
});

describe('latenciesOf', () => {
  it('reads the time of each transaction in milliseconds', () => {
    expect(latenciesOf('0 1 1250 0 1700000000 123456\n3 1 900 0 1700000000 123999\n')).toEqual([1.25, 0.9]);
  });
});
