import { connect, type Socket } from 'node:net';

export interface RawResponse {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** A connection for raw bytes, for requests that no HTTP client would send. */
export class RawSocket {
  private received = '';
  private closed = false;
  private wake: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.wake();
    });
    // A reset counts as the end of the connection.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  static async open(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawSocket(socket);
  }

  get isOpen(): boolean {
    return !this.closed;
  }

  /** Stops reading until a response is awaited, like clients that first send the whole body. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Writes bytes without waiting for the socket to accept them. */
  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves when the socket has accepted the bytes. */
  send(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes, () => {
        resolve();
      });
    });
  }

  /** The next response, which must have a content-length. @throws Error if the connection ends first */
  async response(): Promise<RawResponse> {
    this.socket.resume();
    for (;;) {
      const response = this.take();
      if (response !== undefined) return response;
      if (this.closed) throw new Error(`the connection ended after: ${JSON.stringify(this.received)}`);
      await this.change();
    }
  }

  /** Resolves with the bytes after the last response when the other side has ended the connection. */
  async end(): Promise<string> {
    while (!this.closed) await this.change();
    return this.received;
  }

  /** Ends this side of the connection; incoming bytes are still read. */
  endSending(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private take(): RawResponse | undefined {
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const [statusLine = '', ...lines] = this.received.slice(0, headEnd).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const length = Number(headers['content-length'] ?? 0);
    const text = this.received.slice(headEnd + 4, headEnd + 4 + length);
    if (text.length < length) return undefined;
    this.received = this.received.slice(headEnd + 4 + length);
    return { status: Number(statusLine.split(' ')[1]), headers, body: text === '' ? undefined : JSON.parse(text) };
  }
}

/** Sends bytes on a new connection and returns the first response. */
export async function rawCall(url: string, bytes: string | Buffer): Promise<RawResponse> {
  const socket = await RawSocket.open(url);
  try {
    socket.write(bytes);
    return await socket.response();
  } finally {
    socket.destroy();
  }
}
