import { expect, it, vi } from 'vitest';
import { hasReplaced, PrimaryServer, type ServerIdentity } from './server.identity';

const server = (timeline: number, startedAt: number): ServerIdentity => ({ timeline, startedAt });

it('reports a server that was promoted or started later than the known one, and each only once', () => {
  const primary = new PrimaryServer();
  const listener = vi.fn<(identity: ServerIdentity) => void>();
  primary.onReplaced(listener);
  const [restarted, promoted] = [server(1, 200), server(2, 150)];
  for (const identity of [server(1, 100), restarted, server(1, 100), restarted, promoted, restarted, promoted]) {
    primary.observe(identity, false);
  }
  expect(listener.mock.calls.flat()).toEqual([server(1, 100), restarted, promoted]);
});

it('knows from the last connection to the current server whether commits wait for a standby', () => {
  const primary = new PrimaryServer();
  expect(primary.waitsForStandby).toBeUndefined();
  primary.observe(server(1, 100), true);
  primary.observe(server(1, 100), false);
  expect(primary.waitsForStandby).toBe(false);
  primary.observe(server(1, 90), true);
  expect(primary.waitsForStandby).toBe(false); // an older server
});

it.each([
  ['restarted', server(1, 200), true],
  ['promoted, started earlier', server(2, 50), true],
  ['created anew', server(1, 300), true],
  ['the same', server(1, 100), false],
  ['a former primary', server(1, 90), false],
  ['a standby, started later', server(0, 200), false],
])('tells whether a server has replaced another: %s', (_, one, expected) => {
  expect(hasReplaced(one, server(1, 100))).toBe(expected);
});
