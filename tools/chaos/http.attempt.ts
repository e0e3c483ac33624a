import { Agent, request } from 'undici';
import type { ReceivedResponse } from './history';
import type { PlannedRequest } from './workload';

export interface Destination {
  /** The base URL of the gateway. */
  url: string;
  /** How long the caller waits for the whole response, in milliseconds. */
  maxWaitMs: number;
  headers: Record<string, string>;
}

type SentRequest = Pick<PlannedRequest, 'path' | 'headers'> &
  ({ method: 'GET'; body?: undefined } | Pick<PlannedRequest, 'method' | 'body'>);

/** The connections of all callers. */
export class CallerConnections {
  private readonly agent = new Agent({ connections: 64, pipelining: 1 });

  /** Sends a request once. @returns the response, or the text of the error if there was no complete one */
  async send({ method, path, headers, body }: SentRequest, to: Destination): Promise<ReceivedResponse | string> {
    try {
      const response = await request(to.url + path, {
        method,
        body: body ?? null,
        headers: { 'content-type': 'application/json', ...headers, ...to.headers },
        dispatcher: this.agent,
        signal: AbortSignal.timeout(to.maxWaitMs),
      });
      return {
        status: response.statusCode,
        etag: single(response.headers.etag),
        location: single(response.headers.location),
        replay: response.headers['idempotent-replay'] === 'true',
        body: await response.body.text(),
      };
    } catch (error) {
      return String(error);
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join() : header;
}
