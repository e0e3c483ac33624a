import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { failConnectionOnParserError } from './parser.guard';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A connection on which the server says hello. */
async function connection(): Promise<Socket> {
  const server = createServer((socket) => socket.on('error', () => undefined).write('hello'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const socket = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  cleanups.push(
    () => socket.destroy(),
    () => server.close(),
  );
  return socket;
}

it('passes the data on to the parser', async () => {
  const socket = await connection();
  const parse = vi.fn<(chunk: Buffer) => void>();
  socket.on('data', parse);
  failConnectionOnParserError(socket, () => new Error('not parsed'));
  await vi.waitFor(() => {
    expect(parse).toHaveBeenCalledWith(Buffer.from('hello'));
  });
});

it('closes the connection with the error that the parser throws', async () => {
  const socket = await connection();
  const cause = new Error('too long');
  socket.on('data', () => {
    throw cause;
  });
  failConnectionOnParserError(socket, (error) => new Error('not parsed', { cause: error }));
  const [error] = (await once(socket, 'error')) as [Error];
  expect(error).toMatchObject({ message: 'not parsed', cause });
  expect(socket.destroyed).toBe(true);
});
