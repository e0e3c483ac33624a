import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import type { PoolClient } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelRunning } from './cancel.request';

/** TLS without certificates, so that this test needs none. */
const ANONYMOUS = { ciphers: 'AECDH-AES256-SHA:@SECLEVEL=0', maxVersion: 'TLSv1.2' } as const;

/** A cancel request of the protocol: its length and code, then the process id and the secret key. */
const CANCEL = Buffer.from('0000001004d2162e0000007b000001c8', 'hex');
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');

let server: Server;
let received: Buffer[];
let connected: (socket: Socket) => void;

beforeEach(async () => {
  received = [];
  server = createServer((socket) => {
    connected(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
});

function client(ssl: boolean | object = false): PoolClient {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  // The properties that `cancelRunning` reads.
  return {
    host: '127.0.0.1',
    port,
    ssl,
    sslNegotiation: 'postgres',
    processID: 123,
    secretKey: 456,
  } as unknown as PoolClient;
}

function cacheable(socket: Socket): void {
  socket.on('data', (chunk: Buffer) => received.push(chunk));
}

describe('cancelRunning', () => {
  it('sends the process id and the key, and waits until the server closes the connection', async () => {
    connected = (socket) => {
      cacheable(socket);
      socket.once('data', () => {
        setImmediate(() => socket.end());
      });
    };
    expect(await cancelRunning(client())).toBe(true);
    expect(received).toEqual([CANCEL]);
  });

  it('sends them encrypted if the connection is encrypted', async () => {
    connected = (socket) => {
      socket.once('data', (request: Buffer) => {
        received.push(request);
        const secure = new TLSSocket(socket, { isServer: true, ...ANONYMOUS });
        cacheable(secure);
        secure.once('data', () => {
          secure.end();
        });
        socket.write('S');
      });
    };
    const ssl = { ...ANONYMOUS, rejectUnauthorized: false };
    expect(await cancelRunning(client(ssl))).toBe(true);
    expect(received).toEqual([SSL_REQUEST, CANCEL]);
  });

  it('uses the Unix socket that the client uses', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prism-cancel-'));
    const local = createServer((socket) => {
      cacheable(socket);
      socket.once('data', () => socket.end());
    });
    local.listen(join(folder, '.s.PGSQL.5432'));
    await once(local, 'listening');
    const target = Object.assign(client(), { host: folder, port: 5432 });
    expect(await cancelRunning(target)).toBe(true);
    expect(received).toEqual([CANCEL]);
    local.close();
    rmSync(folder, { recursive: true });
  });

  it('does not send them unencrypted if the server rejects encryption', async () => {
    connected = (socket) => {
      cacheable(socket);
      socket.once('data', () => socket.write('N'));
    };
    expect(await cancelRunning(client(true))).toBe(false);
    expect(received).toEqual([SSL_REQUEST]);
  });

  it('stops waiting for a server that does not respond', async () => {
    const closed: Promise<unknown>[] = [];
    connected = (socket) => closed.push(once(socket.resume(), 'close'));
    expect(await cancelRunning(client())).toBe(false);
    await Promise.all(closed);
  });

  it('reports that no server was reached', async () => {
    const target = client();
    server.close();
    await once(server, 'close');
    expect(await cancelRunning(target)).toBe(false);
  });
});
