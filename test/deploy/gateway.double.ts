import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { freePort } from '../support/free.port';

/** A request that a gateway has read completely. */
export interface Arrival {
  /** The number of the gateway, from 1. */
  gateway: number;
  body: string;
  request: IncomingMessage;
  response: ServerResponse;
}

/** The behavior for a request. */
export type Behavior = (arrival: Arrival) => void;

/** Responds immediately. */
export function respond({ response }: Arrival): void {
  response.end('{}');
}

/** Closes the connection without a response, like a killed process. */
export function resetConnection({ request }: Arrival): void {
  request.socket.resetAndDestroy();
}

/** A test double of a gateway behind the load balancer, with a configurable behavior. */
export class GatewayDouble {
  /** The status of readiness checks. */
  ready = true;
  behavior: Behavior = respond;
  private readonly server = createServer((request, response) => {
    this.take(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });

  private constructor(
    private readonly number: number,
    readonly port: number,
    private readonly arrivals: Arrival[],
  ) {}

  /** @param arrivals receives every request except readiness checks */
  static async start(number: number, arrivals: Arrival[]): Promise<GatewayDouble> {
    const double = new GatewayDouble(number, await freePort(), arrivals);
    await double.listen();
    return double;
  }

  async listen(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Rejects new connections and closes open ones. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/health/ready') {
      response.writeHead(this.ready ? 200 : 503).end();
      return;
    }
    let body = '';
    for await (const chunk of request as AsyncIterable<Buffer>) body += chunk.toString();
    const arrival = { gateway: this.number, body, request, response };
    this.arrivals.push(arrival);
    this.behavior(arrival);
  }
}
