import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ResponseReader } from './response.reader';

export interface RequestParts {
  method: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: Buffer | string;
}

/** The bytes of an HTTP/1.1 request. A body is sent as JSON, with its length unless the headers frame it otherwise. */
export function requestBytes({ method, path, headers = {}, body }: RequestParts): Buffer {
  const content = body === undefined ? undefined : Buffer.from(body);
  const framing = content === undefined ? {} : { 'content-type': 'application/json', 'content-length': content.length };
  const lines = Object.entries({ host: 'gateway', ...framing, ...headers }).map(([name, value]) => `${name}: ${value}`);
  const head = Buffer.from(`${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
  return content === undefined ? head : Buffer.concat([head, content]);
}

/** A connection that sends any bytes and gives the status of each response, in order. Bodies are read and dropped. */
export class HttpConnection {
  /** Resolves when the connection is closed, from whichever side. */
  readonly closed: Promise<void>;
  private readonly reader = new ResponseReader();
  private readonly statuses: number[] = [];
  private fault: Error | undefined;
  private wake: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      try {
        this.statuses.push(...this.reader.read(chunk));
      } catch (error) {
        this.fault = error instanceof Error ? error : new Error(String(error)); // `status` reports it
        socket.destroy();
      }
      this.wake();
    });
    // `closed` resolves after a reset too.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
        this.wake();
      });
    });
  }

  /**
   * @param localAddress the address to call from: each address of 127.0.0.0/8 acts as a separate machine
   * @throws Error if the gateway does not accept the connection
   */
  static async open(url: string, localAddress = '127.0.0.1'): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), localAddress });
    await once(socket, 'connect');
    return new HttpConnection(socket);
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  send(bytes: Buffer | string): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Stops reading, so that the peer must buffer responses. */
  stopReading(): void {
    this.socket.pause();
  }

  /**
   * The status of the next response; undefined if the connection is closed before one. One caller at a time.
   *
   * @throws Error if the bytes are not an HTTP/1.1 response
   */
  async status(): Promise<number | undefined> {
    while (this.statuses.length === 0 && this.isOpen) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    if (this.fault !== undefined && this.statuses.length === 0) throw this.fault;
    return this.statuses.shift();
  }

  /** Ends this side of the connection; responses are still read. */
  end(): void {
    this.socket.end();
  }

  /** Resets the connection, which the other side sees at once, even in the middle of a body. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
