import { setImmediate as nextTurn } from 'node:timers/promises';
import { Random } from '../../support/random';
import { HttpConnection, requestBytes } from '../../support/http.connection';
import { type Caller, generateRaw, generateWrite, type RawRequest } from './request.generator';

/** Enough to keep two cores busy. */
const BODY_CONNECTIONS = 8;
const PIPELINED = 4;
const RAW_CONNECTIONS = 32;
/** Longer than any deadline of the gateway: a request without a response or a closed connection by then hangs. */
const HANG_MS = 40_000;
const SHOWN_BYTES = 2_000;

/** The results of the generated requests. */
export interface FuzzResult {
  requests: number;
  /** Responses by status; `closed`: the connection was closed instead of a response. */
  statuses: Record<string, number>;
  /** 5xx other than 503, hangs and missing responses, each with the request that caused it. Empty if none. */
  failures: string[];
}

/** A seeded run against one gateway. */
export class FuzzRun {
  private readonly result: FuzzResult = { requests: 0, statuses: {}, failures: [] };

  constructor(
    private readonly url: string,
    private readonly caller: Caller,
    private readonly seed: number,
  ) {}

  /** Sends `count` generated bodies with valid framing, pipelined over persistent connections. */
  async bodies(count: number): Promise<FuzzResult> {
    const random = new Random(this.seed).fork('bodies');
    await this.distribute(count, { workers: BODY_CONNECTIONS, portion: PIPELINED }, async (numbers, connection) => {
      const requests = numbers.map((n) => requestBytes(generateWrite(random.fork(String(n)), this.caller)));
      const open = connection?.isOpen === true ? connection : await HttpConnection.open(this.url);
      open.send(Buffer.concat(requests));
      for (const [i, bytes] of requests.entries()) {
        // The framing is valid: the body may be rejected, but the connection remains usable.
        if (!(await this.checkResponse(open, bytes, numbers[i] ?? 0, 'must respond'))) break;
      }
      return open;
    });
    return this.result;
  }

  /** Sends `count` raw requests, each on its own connection. */
  async raw(count: number): Promise<FuzzResult> {
    const random = new Random(this.seed).fork('raw');
    await this.distribute(count, { workers: RAW_CONNECTIONS, portion: 1 }, async ([n = 0]) => {
      const chance = random.fork(String(n));
      await this.exchange(generateRaw(chance, this.caller), n, chance);
      return undefined;
    });
    return this.result;
  }

  private async exchange(request: RawRequest, n: number, random: Random): Promise<void> {
    const connection = await HttpConnection.open(this.url);
    await sendInPieces(connection, request);
    if (request.kind === 'aborted') {
      for (let turns = random.integer(0, 20); turns > 0; turns--) await nextTurn();
      if (random.chance(0.5)) connection.reset();
    }
    if (request.kind !== 'whole') connection.end();
    // Invalid framing may cause any number of responses; then the connection is closed.
    const expected = request.kind === 'whole' ? request.requests : Infinity;
    for (let responses = 0; responses < expected; responses++) {
      if (!(await this.checkResponse(connection, request.bytes, n, 'may close'))) break;
    }
    connection.destroy();
  }

  /** Waits for one response. @returns whether there was one */
  private async checkResponse(
    connection: HttpConnection,
    bytes: Buffer,
    n: number,
    mode: 'must respond' | 'may close',
  ): Promise<boolean> {
    let status: number | undefined | 'hangs';
    try {
      status = await orHang(connection.status());
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error), bytes, n);
      return false;
    }
    const response = String(status ?? 'closed');
    this.result.statuses[response] = (this.result.statuses[response] ?? 0) + 1;
    if (status === 'hangs') {
      this.fail('neither a response nor a closed connection', bytes, n);
      connection.destroy();
    } else if (status === undefined) {
      if (mode === 'must respond') this.fail('the connection was closed without a response', bytes, n);
    } else if (status >= 500 && status !== 503) {
      this.fail(`status ${status}`, bytes, n);
    }
    return typeof status === 'number';
  }

  private fail(what: string, bytes: Buffer, n: number): void {
    const text = bytes.toString('latin1', 0, SHOWN_BYTES).replaceAll(this.caller.apiKey, '<key>');
    const shown = JSON.stringify(text);
    this.result.failures.push(`seed ${this.seed}, request ${n}: ${what}: ${shown} (${bytes.length} bytes)`);
  }

  /** Distributes the requests below `count` over workers. Each sends its portions on one connection while it is usable. */
  private async distribute(
    count: number,
    { workers, portion }: { workers: number; portion: number },
    send: (numbers: number[], connection: HttpConnection | undefined) => Promise<HttpConnection | undefined>,
  ): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      let connection: HttpConnection | undefined;
      while (next < count) {
        const numbers = Array.from({ length: Math.min(portion, count - next) }, (_, i) => next + i);
        next += numbers.length;
        this.result.requests += numbers.length;
        connection = await send(numbers, connection);
      }
      connection?.destroy();
    };
    await Promise.all(Array.from({ length: workers }, worker));
  }
}

async function sendInPieces(connection: HttpConnection, { bytes, pieces }: RawRequest): Promise<void> {
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += size) {
    if (at > 0) await nextTurn();
    connection.send(bytes.subarray(at, at + size));
  }
}

async function orHang<T>(response: Promise<T>): Promise<T | 'hangs'> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<'hangs'>((resolve) => {
    timer = setTimeout(() => {
      resolve('hangs');
    }, HANG_MS);
  });
  try {
    return await Promise.race([response, hang]);
  } finally {
    clearTimeout(timer);
  }
}
