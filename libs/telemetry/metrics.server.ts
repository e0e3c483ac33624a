import { Injectable, Logger } from '@nestjs/common';
import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import { v7 as uuidv7 } from 'uuid';
import { problemAnswer, ProblemException, problemOf } from '#libs/problems';
import { Metrics } from './metrics';

/** The admin port: `/metrics` and `/health/live`. Apart from the API, so that no caller reaches it and a scrape never queues behind one. */
@Injectable()
export class MetricsServer {
  private readonly logger = new Logger(MetricsServer.name);
  private server: Server | undefined;

  constructor(private readonly metrics: Metrics) {}

  /**
   * @param port 0 takes any free one
   * @returns the port it listens on
   * @throws what `listen` fails with, e.g. EADDRINUSE
   */
  async start(host: string, port: number): Promise<number> {
    const server = createServer((request, response) => void this.answer(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    this.server = server;
    const address = server.address();
    return typeof address === 'object' && address ? address.port : port;
  }

  /** Stops at once, also in the middle of a scrape. Does nothing where it was not started. */
  async close(): Promise<void> {
    const server = this.server;
    if (!server) return;
    this.server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
      server.closeAllConnections();
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { type, body } = await this.page(request);
      response.writeHead(200, { 'content-type': type }).end(body);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code === 'internal')
        this.logger.error('metrics could not be collected', (problem.cause as Error).stack);
      const { status, headers, body } = problemAnswer(problem, uuidv7());
      response.writeHead(status, headers).end(body);
    }
  }

  /** @throws ProblemException for an unknown path or method */
  private async page({ url = '/', method = '' }: IncomingMessage): Promise<{ type: string; body: string }> {
    const [path] = url.split('?');
    if (path !== '/metrics' && path !== '/health/live') throw new ProblemException('not_found');
    if (method !== 'GET' && method !== 'HEAD') {
      throw new ProblemException('method_not_allowed', undefined, { headers: { allow: 'GET, HEAD' } });
    }
    if (path === '/health/live') return { type: 'application/json; charset=utf-8', body: '{"status":"ok"}' };
    return { type: this.metrics.registry.contentType, body: await this.metrics.registry.metrics() };
  }
}
