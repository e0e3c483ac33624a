import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What becomes of traffic: `flowing`; `stalled`: connections stay open and nothing moves; `answers-lost`: what the server
 * sends is dropped and the connection reset; `requests-cut`: a request is passed on and the connection reset behind it.
 */
type Weather = 'flowing' | 'stalled' | 'answers-lost' | 'requests-cut';

interface Connection {
  client: Socket;
  server: Socket;
}

/** How long after a request its connection is cut: within this, so that it happens at every stage of the work. */
const longestCutDelayMs = 25;

/** A TCP relay on the loopback interface whose connections can be cut, stalled, and robbed of answers. */
export class LoopbackProxy {
  private readonly connections = new Set<Connection>();
  private weather: Weather = 'flowing';

  private constructor(
    private readonly listener: Server,
    readonly port: number,
    private readonly targetPort: number,
    private readonly chance: () => number,
  ) {
    listener.on('connection', (client) => {
      this.relay(client);
    });
  }

  /** @param chance from 0 to below 1: which requests and answers a bad weather hits */
  static async listen(targetPort: number, chance: () => number): Promise<LoopbackProxy> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    return new LoopbackProxy(listener, address.port, targetPort, chance);
  }

  /** Resets every open connection, both ways. */
  cut(): void {
    for (const connection of [...this.connections]) reset(connection);
  }

  become(weather: Weather): void {
    this.weather = weather;
    for (const { client, server } of this.connections) {
      for (const socket of [client, server]) {
        if (weather === 'stalled') socket.pause();
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
      if (this.weather === 'stalled') socket.pause();
      // An error is followed by `close`, and that is all there is to know.
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
      if (this.weather === 'requests-cut' && this.chance() < 0.3) {
        setTimeout(() => {
          reset(connection);
        }, this.chance() * longestCutDelayMs);
      }
    });
    server.on('data', (bytes) => {
      if (this.weather === 'answers-lost' && this.chance() < 0.4) reset(connection);
      else this.pass(bytes, server, client);
    });
  }

  private pass(bytes: Buffer, from: Socket, to: Socket): void {
    if (to.write(bytes)) return;
    from.pause();
    to.once('drain', () => {
      if (this.weather !== 'stalled') from.resume();
    });
  }
}

function reset({ client, server }: Connection): void {
  for (const socket of [client, server]) if (!socket.destroyed) socket.resetAndDestroy();
}
