import { connect, type Socket } from 'node:net';

export interface RawResponse {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** A connection on which any bytes can be sent, for what no HTTP client would send. */
export class RawSocket {
  private received = '';
  private closed = false;
  private wake: () => void = () => undefined;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.wake();
    });
    // A reset is the end of the connection like any other; what was lost by it is missing from what was received.
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

  /** Reads nothing until an received is asked for, as callers do that send all of a body first. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Sends bytes that the other side may never read. */
  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves when the bytes are on their way. */
  send(bytes: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes, () => {
        resolve();
      });
    });
  }

  /** The next received, which must have a content-length. @throws Error if the connection ends before */
  async response(): Promise<RawResponse> {
    this.socket.resume();
    for (;;) {
      const received = this.take();
      if (received !== undefined) return received;
      if (this.closed) throw new Error(`the connection ended after: ${JSON.stringify(this.received)}`);
      await this.change();
    }
  }

  /** Resolves with what came beside answers when the other side has ended the connection. */
  async end(): Promise<string> {
    while (!this.closed) await this.change();
    return this.received;
  }

  /** Ends the own side of the connection; what comes is still read. */
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

/** Sends bytes on a connection of their own and gives the first received. */
export async function rawCall(url: string, bytes: string | Buffer): Promise<RawResponse> {
  const socket = await RawSocket.open(url);
  try {
    socket.write(bytes);
    return await socket.response();
  } finally {
    socket.destroy();
  }
}
