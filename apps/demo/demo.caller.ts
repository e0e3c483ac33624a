import { setTimeout as sleep } from 'node:timers/promises';

const REQUEST_MS = 10_000;
/** How often a request with a key is sent, at most: what it asks for happens once however often it comes. */
const ATTEMPTS = 5;
const REST_MS = 500;

/** What a caller sends besides the path. */
export interface DemoRequest {
  body?: object;
  /** The `Idempotency-Key`. */
  key?: string;
  /** The status that the answer is to have; 200 if undefined. */
  status?: number;
}

/** Calls the API as a careful application does: what has a key is sent again if its answer does not come. */
export class DemoCaller {
  /** @param records where its records are: `http://.../v2/prism/<team>/organization` */
  constructor(
    private readonly records: string,
    private readonly apiKey: string,
  ) {}

  /** @throws Error if there is no answer, or another than expected */
  async call(method: string, path: string, request: DemoRequest = {}): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.attempt(method, path, request);
      } catch (error) {
        if (request.key === undefined || attempt === ATTEMPTS) throw error;
      }
      await sleep(REST_MS * attempt);
    }
  }

  private async attempt(method: string, path: string, { body, key, status = 200 }: DemoRequest): Promise<string> {
    const response = await fetch(this.records + path, {
      method,
      headers: {
        'x-api-key': this.apiKey,
        ...(body && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const text = await response.text();
    if (response.status !== status) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text;
  }
}
