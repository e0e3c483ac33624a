import { setTimeout as sleep } from 'node:timers/promises';

const REQUEST_MS = 10_000;
/** The most attempts of a request with an Idempotency-Key: retries are safe. */
const ATTEMPTS = 5;
const RETRY_DELAY_MS = 500;

/** A request, apart from its method and path. */
export interface DemoRequest {
  body?: object;
  /** The `Idempotency-Key`. */
  key?: string;
  /** The expected status; 200 if undefined. */
  status?: number;
}

/** Calls the API. Retries requests with an Idempotency-Key when they fail. */
export class DemoCaller {
  /** @param records the URL of the records: `http://.../v2/prism/<team>/organization` */
  constructor(
    private readonly records: string,
    private readonly apiKey: string,
  ) {}

  /** @throws Error if there is no response, or its status is not the expected one */
  async call(method: string, path: string, request: DemoRequest = {}): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.attempt(method, path, request);
      } catch (error) {
        if (request.key === undefined || attempt === ATTEMPTS) throw error;
      }
      await sleep(RETRY_DELAY_MS * attempt);
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
    if (response.status !== status) throw new Error(`${method} ${path} returned ${response.status}: ${text}`);
    return text;
  }
}
