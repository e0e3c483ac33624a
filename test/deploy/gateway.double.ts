import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { freePort } from '../support/redis.server';

/** A request as it came to a gateway, which has read all of it. */
export interface Arrival {
  /** Of the gateway, from 1. */
  gateway: number;
  body: string;
  request: IncomingMessage;
  response: ServerResponse;
}

/** What becomes of a request. */
export type Behaviour = (arrival: Arrival) => void;

/** Answers at once. */
export function respond({ response }: Arrival): void {
  response.end('{}');
}

/** Ends without a word, as a process that is killed does. */
export function die({ request }: Arrival): void {
  request.socket.resetAndDestroy();
}

/** Stands in for a gateway behind the load balancer, and does with requests as it is told. */
export class GatewayDouble {
  /** What the readiness check is told. */
  ready = true;
  behaviour: Behaviour = respond;
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

  /** @param arrivals where it notes every request but readiness checks */
  static async start(number: number, arrivals: Arrival[]): Promise<GatewayDouble> {
    const double = new GatewayDouble(number, await freePort(), arrivals);
    await double.listen();
    return double;
  }

  async listen(): Promise<void> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  /** Refuses connections, and ends those there are. */
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
    this.behaviour(arrival);
  }
}
