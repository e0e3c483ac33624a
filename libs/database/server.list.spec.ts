import { expect, it } from 'vitest';
import { ServerList } from './server.list';

it('moves to the next server when the current one fails, and remembers it', () => {
  const servers = new ServerList(['a', 'b', 'c']);
  servers.reportFailure('a');
  servers.reportFailure('a'); // of another caller, which tried it at the same time
  expect(servers.current).toBe('b');
  servers.reportFailure('b');
  servers.reportFailure('c');
  expect([servers.current, servers.size]).toEqual(['a', 3]);
});
