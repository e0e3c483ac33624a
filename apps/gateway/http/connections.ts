import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConnectionCut } from './http.metrics';

/** Requests of one connection that are in progress at once. */
const MAX_ACTIVE = 16;
/** Requests of one connection that wait for earlier ones. Clients that pipeline requests send a few dozen. */
const MAX_WAITING = 128;
/** Requests of all connections that wait, because each takes several KiB of heap. */
const MAX_WAITING_IN_TOTAL = 4_096;
/** Requests that are started in one turn of the event loop. */
const STARTS_PER_TURN = 32;
/** When more requests arrive in one turn of the event loop, a connection may have only {@link MAX_WAITING_IN_FLOOD} waiting ones. */
const ARRIVALS_PER_TURN = 1_024;
const MAX_WAITING_IN_FLOOD = 8;
/** How long a response may make no progress before its connection is closed, in milliseconds. */
export const UNREAD_MS = 15_000;
const CHECK_MS = 1_000;
/** Bounds the wait for a turn of the event loop without a new connection. Node accepts one connection in each. */
const MAX_ACCEPTING_TURNS = 1_000;

interface Connection {
  readonly socket: Socket;
  /** Responses that are in progress or being sent, oldest first. */
  readonly active: Set<ServerResponse>;
  /** Later requests on the connection. The socket is not read while there are any. */
  readonly waiting: [IncomingMessage, ServerResponse, RequestListener][];
  /** The unsent bytes, and those of them that the kernel has not accepted, when a check last found a change, and its time. */
  unsent: { bytes: number; queued: number; since: number } | undefined;
  /** Whether the socket is not read because requests wait. */
  isPaused: boolean;
}

/** Properties of sockets that their type does not declare. */
interface SocketInternals {
  /** The bytes of a started write that the kernel has not accepted. */
  readonly _handle?: { readonly writeQueueSize?: number } | null;
  /** Node's HTTP parser, and what it calls after the headers of a request. */
  readonly parser?: { onIncoming: () => number } | null;
}

/** What `onIncoming` returns for a change of protocol: the parser leaves the rest of what has arrived. */
const STOP_PARSING = 2;

/**
 * Tracks the open connections and their pending responses, and limits the requests in progress of each connection. Node
 * itself would start every request that has arrived at once.
 *
 * In one turn of the event loop few requests are started, and API keys take turns. So thousands of requests that arrive at
 * once neither block the event loop nor delay other clients.
 */
export class Connections {
  /** Called with the status of the response when Node's parser rejected a request. */
  onRejected: (status: number) => void = () => undefined;
  /** Called when a connection is closed because of its client. */
  onCut: (reason: ConnectionCut) => void = () => undefined;
  /** Called when a request handler threw, which is a defect: its connection is closed, and the process continues. */
  onFailed: (error: unknown) => void = () => undefined;

  private readonly connections = new Map<Socket, Connection>();
  /** Connections with a request that may start, by its API key, both in the order of their turns. */
  private readonly ready = new Map<string, Set<Connection>>();
  /** Requests of all connections that wait. */
  private waitingCount = 0;
  /** Requests that were started in this turn of the event loop, and those that arrived. */
  private startsInTurn = 0;
  private arrivalsInTurn = 0;
  private isTurnScheduled = false;
  /** Connections that were opened since the start. */
  private openedCount = 0;
  /** Whether a connection is closed when it has no pending response. */
  private closesIdle = false;
  /** Called when the last connection is closed. */
  private onEmpty: () => void = () => undefined;

  /** @param maxConnections that are open at once; further ones are closed */
  constructor(
    private readonly server: Server,
    maxConnections: number,
  ) {
    server.maxConnections = maxConnections;
    server.on('drop', () => {
      this.onCut('too_many');
    });
    server.on('connection', (socket: Socket) => {
      this.open(socket);
    });
    const handlers = server.listeners('request') as RequestListener[]; // of this event
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      this.receive(request, response, (...args) => {
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

  /** The responses that have not been sent, oldest first. More than one if the client pipelines requests. */
  pending(socket: Socket): ServerResponse[] {
    const connection = this.connections.get(socket);
    return connection === undefined
      ? []
      : [...connection.active, ...connection.waiting.map(([, response]) => response)];
  }

  /**
   * Closes connections whose response has made no progress for {@link UNREAD_MS}, which frees what they hold.
   *
   * @param now on the clock of `performance.now()`
   */
  cutUnread(now: number): void {
    for (const [socket, connection] of this.connections) {
      const bytes = socket.writableLength;
      const queued = (socket as SocketInternals)._handle?.writeQueueSize ?? 0; // an undeclared property
      const { unsent } = connection;
      if (bytes === 0) connection.unsent = undefined;
      else if (unsent?.bytes !== bytes || unsent.queued !== queued) {
        connection.unsent = { bytes, queued, since: now };
      } else if (now - unsent.since >= UNREAD_MS) this.cut(connection, 'unread');
    }
  }

  /**
   * Refuses new connections and keeps the open ones. Resolves when the process no longer listens.
   *
   * The kernel resets connections that it has established and the process has not accepted. So this waits for a moment in
   * which there are none.
   */
  async stopListening(): Promise<void> {
    let opened: number;
    let turns = 0;
    await nextTurn(); // The rest of this turn may not look for connections.
    do {
      opened = this.openedCount;
      await nextTurn();
    } while (opened !== this.openedCount && ++turns < MAX_ACCEPTING_TURNS);
    // `close` of an HTTP server closes idle connections as well, on which a request may already be on its way.
    NetServer.prototype.close.call(this.server);
  }

  /**
   * Resolves when the last connection is closed. Those without a pending response are closed after `graceMs`, and all
   * others at the latest after another `maxWaitMs`. Call it after {@link stopListening}.
   */
  async end(graceMs: number, maxWaitMs: number): Promise<void> {
    if (this.connections.size === 0) return;
    const ended = new Promise<void>((resolve) => {
      this.onEmpty = resolve;
    });
    const grace = setTimeout(() => {
      this.closesIdle = true;
      for (const connection of this.connections.values()) if (isIdle(connection)) connection.socket.destroy();
    }, graceMs);
    const cutOff = setTimeout(() => {
      for (const socket of this.connections.keys()) socket.destroy();
    }, graceMs + maxWaitMs);
    await ended;
    clearTimeout(grace);
    clearTimeout(cutOff);
  }

  private open(socket: Socket): void {
    const connection: Connection = { socket, active: new Set(), waiting: [], unsent: undefined, isPaused: false };
    this.connections.set(socket, connection);
    this.openedCount += 1;
    // Node itself resumes a paused socket whenever the body of a request is read.
    socket.on('resume', () => {
      if (connection.waiting.length > 0) socket.pause();
    });
    socket.once('close', () => {
      this.connections.delete(socket);
      this.dropWaiting(connection);
      // Node emits `close` only on the first of several pending responses.
      for (const response of connection.active) if (response.socket === null) response.emit('close');
      if (this.connections.size === 0) this.onEmpty();
    });
  }

  private receive(request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    const { socket } = request;
    const connection = this.connections.get(socket);
    // Node still parses what a closed connection has sent.
    if (connection === undefined || socket.destroyed) return;
    this.arrivalsInTurn += 1;
    this.scheduleTurn();
    connection.waiting.push([request, response, handle]);
    this.waitingCount += 1;
    this.enqueue(connection);
    this.startReady();
    const { length } = connection.waiting;
    if (length > (this.arrivalsInTurn > ARRIVALS_PER_TURN ? MAX_WAITING_IN_FLOOD : MAX_WAITING))
      this.cut(connection, 'pipelining');
    else if (length > 0) {
      connection.isPaused = true;
      socket.pause();
    }
    if (this.waitingCount > MAX_WAITING_IN_TOTAL) this.cut(this.longest(connection), 'pipelining');
  }

  /** Enqueues the next request of a connection, to start it in the turn of its API key. */
  private enqueue(connection: Connection): void {
    const { active, waiting, socket } = connection;
    // After a response that closes the connection, no later request on it is started.
    if (waiting.length === 0 || active.size >= MAX_ACTIVE || !socket.writable) return;
    // The key is not verified yet: a client that sends another invented key on each connection gets a turn for each.
    const apiKey = String(waiting[0]?.[0].headers['x-api-key']);
    const sameKey = this.ready.get(apiKey);
    if (sameKey === undefined) this.ready.set(apiKey, new Set([connection]));
    else sameKey.add(connection);
  }

  private startReady(): void {
    for (const [apiKey, connections] of this.ready) {
      if (this.startsInTurn >= STARTS_PER_TURN) return;
      const [connection] = connections;
      this.ready.delete(apiKey);
      if (connection === undefined) continue;
      connections.delete(connection);
      if (connections.size > 0) this.ready.set(apiKey, connections);
      // A response that closes the connection may have been sent since the request was enqueued.
      const next = connection.socket.writable ? connection.waiting.shift() : undefined;
      if (next === undefined) continue;
      this.waitingCount -= 1;
      this.startsInTurn += 1;
      this.scheduleTurn();
      this.start(connection, ...next);
      if (connection.waiting.length > 0) this.enqueue(connection);
      else if (connection.isPaused) {
        connection.isPaused = false;
        connection.socket.resume();
      }
    }
  }

  private scheduleTurn(): void {
    if (this.isTurnScheduled) return;
    this.isTurnScheduled = true;
    setImmediate(this.beginTurn);
  }

  private readonly beginTurn = (): void => {
    this.isTurnScheduled = false;
    this.startsInTurn = 0;
    this.arrivalsInTurn = 0;
    this.startReady();
  };

  private start(
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
    handle: RequestListener,
  ): void {
    connection.active.add(response);
    response.once('close', () => {
      connection.active.delete(response);
      // Headers sent before `end` was called keep the connection open. A body that still arrives is read first (see
      // `registerConnectionRules`).
      if (this.closesIdle && isIdle(connection) && request.complete) request.socket.destroySoon();
      this.enqueue(connection);
      this.startReady();
    });
    try {
      handle(request, response);
    } catch (error) {
      request.socket.destroy();
      this.onFailed(error);
    }
  }

  /** The connection with the most waiting requests. */
  private longest(connection: Connection): Connection {
    let longest = connection;
    for (const other of this.connections.values()) if (other.waiting.length > longest.waiting.length) longest = other;
    return longest;
  }

  private cut(connection: Connection, reason: ConnectionCut): void {
    // Not only when the socket emits `close`: until then, more requests can arrive in this turn of the event loop.
    this.dropWaiting(connection);
    // Node would parse up to 64 KiB more, and keep several KiB for each of 1,600 requests until the next turn.
    const { parser } = connection.socket as SocketInternals;
    if (parser) parser.onIncoming = () => STOP_PARSING;
    connection.socket.destroy();
    this.onCut(reason);
  }

  private dropWaiting({ waiting }: Connection): void {
    this.waitingCount -= waiting.length;
    waiting.length = 0;
  }
}

/** Whether no response is pending. */
function isIdle({ active, waiting }: Connection): boolean {
  return active.size === 0 && waiting.length === 0;
}
