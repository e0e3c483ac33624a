import { connect, createServer, type Server, type Socket } from 'node:net';

interface Address {
  host: string;
  port: number;
}

/** Receives the bytes that a program sends on one connection. */
export type Listener = (chunk: Buffer) => void;

/** The message with which Postgres reports that a session has started, and is outside of a transaction. */
const READY_FOR_QUERY = Buffer.from('Z\0\0\0\x05I', 'latin1');

/** A proxy between a program and a server. It stalls or resets all connections when a test says so, and observes them. */
export class TcpProxy {
  /** The number of new connections that were reset. */
  resetCount = 0;

  private readonly sockets = new Set<Socket>();
  private mode: 'open' | 'stalled' | 'closed' | 'stalled-after-start' = 'open';

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private target: Address,
  ) {}

  /** @param listen returns the listener of a new connection */
  static async start(target: Address, listen?: () => Listener): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new TcpProxy(server, (server.address() as { port: number }).port, target); // a TCP server has a port
    server.on('connection', (socket) => {
      if (listen) socket.on('data', listen());
      proxy.join(socket, connect(proxy.target.port, proxy.target.host));
    });
    return proxy;
  }

  /** Starts a proxy before the server of a URL. @param listen returns the listener of a new connection */
  static before(url: string, listen?: () => Listener): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    return TcpProxy.start({ host: hostname, port: Number(port) }, listen);
  }

  /** The URL, with this proxy in place of its server. */
  through(url: string): string {
    const address = new URL(url);
    address.host = `127.0.0.1:${this.port}`;
    return address.href;
  }

  /** Stalls all traffic. */
  stall(): void {
    this.mode = 'stalled';
    for (const socket of this.sockets) socket.pause();
  }

  /** Lets sessions of Postgres start, and forwards nothing that their clients send from then on. */
  stallAfterStart(): void {
    this.mode = 'stalled-after-start';
  }

  /** Resets every connection, also new ones. */
  cut(): void {
    this.mode = 'closed';
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Sends new connections to another server. */
  redirect(target: Address): void {
    this.target = target;
  }

  /** Like {@link redirect}, while the host of the former server vanishes: existing connections stall forever, and nothing resets them. */
  replaceHost(target: Address): void {
    for (const socket of this.sockets) socket.pause();
    this.redirect(target);
  }

  resume(): void {
    this.mode = 'open';
    for (const socket of this.sockets) socket.resume();
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk: Buffer) => to.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
    if (this.mode === 'stalled') for (const socket of [near, far]) socket.pause();
    if (this.mode === 'stalled-after-start') {
      far.on('data', (chunk: Buffer) => {
        if (chunk.includes(READY_FOR_QUERY)) near.removeAllListeners('data');
      });
    }
    if (this.mode === 'closed') {
      near.resetAndDestroy();
      this.resetCount += 1;
    }
  }
}
