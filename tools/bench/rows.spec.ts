import { describe, expect, it } from 'vitest';
import { limitOf } from './rows';

const cores = 2;

describe('limitOf', () => {
  it('is one core of a single-threaded program', () => {
    const use = { services: { gateway: 0.95 }, postgres: 0.4, load: 0.2, machine: 1.6 };
    expect(limitOf(use, cores)).toBe('the core of gateway');
    expect(limitOf({ ...use, services: { gateway: 0.3 }, load: 0.99 }, cores)).toBe('the core of load generator');
  });

  it('is all cores, with their largest user', () => {
    const use = { services: { gateway: 0.3, 'second gateway': 0.3, haproxy: 0.1 }, postgres: 1, load: 0.2, machine: 2 };
    expect(limitOf(use, cores)).toBe('all cores; postgres has 50%');
  });

  it('treats each gateway as single-threaded, but not HAProxy', () => {
    const use = { services: { gateway: 0.5, 'second gateway': 0.5 }, postgres: 0.6, load: 0.2, machine: 2 };
    expect(limitOf(use, cores)).toBe('all cores; services has 50%');
    expect(limitOf({ ...use, services: { haproxy: 1.1 } }, cores)).toBe('all cores; haproxy has 55%');
  });

  it('is waiting if cores are idle', () => {
    expect(limitOf({ services: { gateway: 0.2 }, postgres: 0.5, load: 0.1, machine: 1 }, cores)).toBe('waiting');
  });
});
