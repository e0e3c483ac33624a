import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findRedis } from './local.ports';

/** The port of a server that responds to whatever it receives. */
async function serverThatReplies(reply: string): Promise<number> {
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(reply));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port; // Only a pipe has an address of another type.
}

describe('findRedis', () => {
  it('finds a server that responds to PING', async () => {
    const port = await serverThatReplies('+PONG\r\n');
    expect(await findRedis(port)).toBe(`redis://127.0.0.1:${port}`);
  });

  it.each(['-NOAUTH Authentication required.\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n'])(
    'ignores a server that responds %j',
    async (reply) => {
      expect(await findRedis(await serverThatReplies(reply))).toBeUndefined();
    },
  );

  it('finds none where nothing listens', async () => {
    expect(await findRedis(1)).toBeUndefined();
  });
});
