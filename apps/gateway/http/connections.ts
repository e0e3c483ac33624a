import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionCut } from './http.metrics';

/** Requests of one connection that are worked on at once. */
const MAX_ACTIVE = 16;
/** Requests of one connection that wait for those before them. More than one read from the socket (64 KiB) holds in practice. */
const MAX_WAITING = 512;
/** Requests that are started in one turn of the event loop. */
const STARTS_PER_TURN = 32;
/** How long a response may make no progress before its connection is closed, in milliseconds. */
export const UNREAD_MS = 15_000;
const CHECK_MS = 1_000;

interface Connection {
  readonly socket: Socket;
  /** Responses of requests that are worked on or being sent, oldest first. */
  readonly active: Set<ServerResponse>;
  /** Later requests on the connection. The socket is not read while there are any. */
  readonly waiting: [IncomingMessage, ServerResponse, RequestListener][];
  /** What was last seen to be unsent, and since when. */
  unsent: { bytes: number; inKernel: number; since: number } | undefined;
}

/** What Node knows of a socket beyond its type: the bytes of a started write that the kernel has not taken yet. */
interface SocketWithHandle {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * Knows which connections are open and which responses each of them waits for, and bounds what one connection can hold:
 * Node alone parses every request that has arrived, and has all of them worked on at once.
 *
 * Few requests are started in one turn of the event loop, and API keys take turns, so that requests which arrive in thousands
 * neither block it nor delay those of other clients.
 */
export class Connections {
  /** Called when Node's parser rejected something that never became a request; with the status of the response. */
  rejected: (status: number) => void = () => undefined;
  /** Called when a connection is closed because of what its caller does. */
  cut: (reason: ConnectionCut) => void = () => undefined;
  /** Called when handling a request threw: a fault of ours, which costs that connection and not the process. */
  failed: (error: unknown) => void = () => undefined;

  readonly #connections = new Map<Socket, Connection>();
  /** Connections with a request that may start, by its API key, both in the order of their turns. */
  readonly #ready = new Map<string, Set<Connection>>();
  /** Requests that were started in this turn of the event loop. */
  #starts = 0;

  constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#open(socket);
    });
    const handlers = server.listeners('request') as RequestListener[]; // of this event
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      this.#receive(request, response, (...args) => {
        for (const handler of handlers) handler(...args);
      });
    });
    const timer = setInterval(() => {
      this.cutUnread(performance.now());
    }, CHECK_MS);
    timer.unref();
    server.once('close', () => {
      clearInterval(timer);
    });
  }

  /** The responses that have not left yet, oldest first. More than one if the caller sends requests without waiting. */
  pending(socket: Socket): ServerResponse[] {
    const connection = this.#connections.get(socket);
    return connection === undefined
      ? []
      : [...connection.active, ...connection.waiting.map(([, response]) => response)];
  }

  /**
   * Closes connections whose response has made no progress for {@link UNREAD_MS}: what it holds belongs to callers that read.
   *
   * @param now on the clock of `performance.now()`
   */
  cutUnread(now: number): void {
    for (const [socket, connection] of this.#connections) {
      const bytes = socket.writableLength;
      const inKernel = (socket as SocketWithHandle)._handle?.writeQueueSize ?? 0; // see there
      const { unsent } = connection;
      if (bytes === 0) connection.unsent = undefined;
      else if (unsent?.bytes !== bytes || unsent.inKernel !== inKernel) {
        connection.unsent = { bytes, inKernel, since: now };
      } else if (now - unsent.since >= UNREAD_MS) this.#cut(socket, 'unread');
    }
  }

  /**
   * Takes no new connections and ends those on which no response is due. Resolves when the last has ended, which is not
   * waited for longer than `maxWaitMs`.
   */
  async end(maxWaitMs: number): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      // Its error is that the server does not listen, which is what is wanted.
      this.server.close(() => {
        resolve();
      });
    });
    // Node takes connections that never sent a request for busy ones.
    for (const socket of this.#connections.keys()) if (this.pending(socket).length === 0) socket.destroy();
    const cutOff = setTimeout(() => {
      for (const socket of this.#connections.keys()) socket.destroy();
    }, maxWaitMs);
    await ended;
    clearTimeout(cutOff);
  }

  #open(socket: Socket): void {
    const connection: Connection = { socket, active: new Set(), waiting: [], unsent: undefined };
    this.#connections.set(socket, connection);
    // Node itself resumes a paused socket whenever the body of a request is read.
    socket.on('resume', () => {
      if (connection.waiting.length > 0) socket.pause();
    });
    socket.once('close', () => {
      this.#connections.delete(socket);
      connection.waiting.length = 0;
      // Of responses that wait for their turn on a connection, Node tells only the first that the connection is closed.
      for (const response of connection.active) if (response.socket === null) response.emit('close');
    });
  }

  #receive(request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    // What Node still parses of a connection that is closed: nobody waits for it.
    if (connection === undefined || socket.destroyed) return;
    connection.waiting.push([request, response, handle]);
    this.#enqueue(connection);
    this.#startReady();
    const { length } = connection.waiting;
    if (length > MAX_WAITING) this.#cut(socket, 'pipelining');
    else if (length > 0) socket.pause();
  }

  /** Has the next request of a connection start when it is its turn. */
  #enqueue(connection: Connection): void {
    const { active, waiting, socket } = connection;
    // A response that closes the connection ends what comes after it.
    if (waiting.length === 0 || active.size >= MAX_ACTIVE || !socket.writable) return;
    // Not verified yet: a client that invents keys has a turn for each of its connections.
    const apiKey = String(waiting[0]?.[0].headers['x-api-key']);
    const sameKey = this.#ready.get(apiKey);
    if (sameKey === undefined) this.#ready.set(apiKey, new Set([connection]));
    else sameKey.add(connection);
  }

  #startReady(): void {
    for (const [apiKey, connections] of this.#ready) {
      if (this.#starts >= STARTS_PER_TURN) return;
      const [connection] = connections;
      this.#ready.delete(apiKey);
      if (connection === undefined) continue;
      connections.delete(connection);
      if (connections.size > 0) this.#ready.set(apiKey, connections);
      const next = connection.waiting.shift();
      if (next === undefined) continue;
      if (this.#starts++ === 0) setImmediate(this.#beginTurn);
      this.#start(connection, ...next);
      if (connection.waiting.length > 0) this.#enqueue(connection);
      else if (connection.socket.isPaused()) connection.socket.resume();
    }
  }

  readonly #beginTurn = (): void => {
    this.#starts = 0;
    this.#startReady();
  };

  #start(connection: Connection, request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    connection.active.add(response);
    response.once('close', () => {
      connection.active.delete(response);
      this.#enqueue(connection);
      this.#startReady();
    });
    try {
      handle(request, response);
    } catch (error) {
      request.socket.destroy();
      this.failed(error);
    }
  }

  #cut(socket: Socket, reason: ConnectionCut): void {
    socket.destroy();
    this.cut(reason);
  }
}
