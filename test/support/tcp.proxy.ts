import { connect, createServer, type Server, type Socket } from 'node:net';

interface Address {
  host: string;
  port: number;
}

/** Receives the bytes that a program sends on one connection. */
export type Listener = (chunk: Buffer) => void;

/** A proxy between a program and a server that can stall or reset connections, and observe them. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private mode: 'open' | 'stalled' | 'closed' = 'open';

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

  /** Stalls all traffic. */
  stall(): void {
    this.mode = 'stalled';
    for (const socket of this.sockets) socket.pause();
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

  /** The same, while the host of the former server vanishes: existing connections stall for good, and nothing resets them. */
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
    if (this.mode === 'closed') near.resetAndDestroy();
  }
}
