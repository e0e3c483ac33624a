import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Which connections are open, and which answers each of them still waits for. */
export class Connections {
  /** Called when Node's parser refused something and it was answered without becoming a request. */
  refused: () => void = () => undefined;

  readonly #pending = new Map<Socket, Set<ServerResponse>>();

  constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      const pending = new Set<ServerResponse>();
      this.#pending.set(socket, pending);
      socket.once('close', () => {
        this.#pending.delete(socket);
        // Of answers that wait for their turn on a connection, Node tells only the first that the connection is gone.
        for (const response of pending) if (response.socket === null) response.emit('close');
      });
    });
    server.prependListener('request', (request, response) => {
      const pending = this.#pending.get(request.socket);
      pending?.add(response);
      response.once('close', () => pending?.delete(response));
    });
  }

  /** The answers that have not left yet, oldest first. More than one if the caller sends requests without waiting. */
  pending(socket: Socket): ServerResponse[] {
    return [...(this.#pending.get(socket) ?? [])];
  }

  /**
   * Takes no new connections and ends those on which no answer is due. Resolves when the last has ended, which is not
   * waited for longer than `patienceMs`.
   */
  async end(patienceMs: number): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      // Its error is that the server does not listen, which is what is wanted.
      this.server.close(() => {
        resolve();
      });
    });
    // Node takes connections that never sent a request for busy ones.
    for (const [socket, pending] of this.#pending) if (pending.size === 0) socket.destroy();
    const cutOff = setTimeout(() => {
      for (const socket of this.#pending.keys()) socket.destroy();
    }, patienceMs);
    await ended;
    clearTimeout(cutOff);
  }
}
