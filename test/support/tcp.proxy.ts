import { connect, createServer, type Server, type Socket } from 'node:net';

/** Hears what a program sends on one of its connections. */
export type Listener = (chunk: Buffer) => void;

/** Stands between a program and a server, to make the server hang and vanish for that program only, and to listen. */
export class TcpProxy {
  private readonly sockets = new Set<Socket>();
  private mode: 'open' | 'hanging' | 'closed' = 'open';

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** @param listen gives each connection its listener */
  static async start(target: { host: string; port: number }, listen?: () => Listener): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const proxy = new TcpProxy(server, (server.address() as { port: number }).port); // a TCP server has a port
    server.on('connection', (socket) => {
      if (listen) socket.on('data', listen());
      proxy.join(socket, connect(target.port, target.host));
    });
    return proxy;
  }

  /** What is sent from now on arrives nowhere. */
  hang(): void {
    this.mode = 'hanging';
    for (const socket of this.sockets) socket.pause();
  }

  /** Resets every connection and takes no new ones. */
  cut(): void {
    this.mode = 'closed';
    for (const socket of this.sockets) socket.resetAndDestroy();
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
    if (this.mode === 'hanging') for (const socket of [near, far]) socket.pause();
    if (this.mode === 'closed') near.resetAndDestroy();
  }
}
