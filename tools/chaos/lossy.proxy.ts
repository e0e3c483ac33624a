import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * How traffic is relayed. `normal`: unchanged. `stalled`: connections stay open, no byte passes. `responses-lost`: a response
 * is dropped and its connection reset. `requests-cut`: a request is forwarded, then its connection is reset.
 */
type TrafficMode = 'normal' | 'stalled' | 'responses-lost' | 'requests-cut';

interface Connection {
  client: Socket;
  server: Socket;
}

/** Upper bound of the random delay between a request and its reset, so that resets occur at every stage of processing. */
const maxCutDelayMs = 25;

/**
 * A TCP proxy that loses traffic by chance: it selects the requests after which it resets a connection, and the responses that it
 * drops. With `TcpProxy` (test/support), a test says which connections are stalled or reset, and when.
 */
export class LossyProxy {
  private readonly connections = new Set<Connection>();
  private mode: TrafficMode = 'normal';

  private constructor(
    private readonly listener: Server,
    readonly port: number,
    private targetPort: number,
    private readonly chance: () => number,
  ) {
    listener.on('connection', (client) => {
      this.relay(client);
    });
  }

  /** @param chance a random number from 0 to below 1, which selects the affected requests and responses */
  static async listen(targetPort: number, chance: () => number): Promise<LossyProxy> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    return new LossyProxy(listener, address.port, targetPort, chance);
  }

  /** Resets every open connection in both directions. */
  cut(): void {
    for (const connection of [...this.connections]) reset(connection);
  }

  /** Sends new connections to another port. */
  redirect(targetPort: number): void {
    this.targetPort = targetPort;
  }

  setMode(mode: TrafficMode): void {
    this.mode = mode;
    for (const { client, server } of this.connections) {
      for (const socket of [client, server]) {
        if (mode === 'stalled') socket.pause();
        else socket.resume();
      }
    }
  }

  async close(): Promise<void> {
    const closed = once(this.listener, 'close');
    this.listener.close();
    this.cut();
    await closed;
  }

  private relay(client: Socket): void {
    const server = connect(this.targetPort, '127.0.0.1');
    const connection = { client, server };
    this.connections.add(connection);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      if (this.mode === 'stalled') socket.pause();
      // `close` follows every error and handles it.
      socket.on('error', () => undefined);
    }
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('close', (hadError) => {
        if (hadError) reset(connection);
        else other.destroySoon();
        if (other.destroyed) this.connections.delete(connection);
      });
    }
    client.on('data', (bytes) => {
      this.pass(bytes, client, server);
      if (this.mode === 'requests-cut' && this.chance() < 0.3) {
        setTimeout(() => {
          reset(connection);
        }, this.chance() * maxCutDelayMs);
      }
    });
    server.on('data', (bytes) => {
      if (this.mode === 'responses-lost' && this.chance() < 0.4) reset(connection);
      else this.pass(bytes, server, client);
    });
  }

  private pass(bytes: Buffer, from: Socket, to: Socket): void {
    if (to.write(bytes)) return;
    from.pause();
    to.once('drain', () => {
      if (this.mode !== 'stalled') from.resume();
    });
  }
}

function reset({ client, server }: Connection): void {
  for (const socket of [client, server]) if (!socket.destroyed) socket.resetAndDestroy();
}
