import { Injectable, Logger } from '@nestjs/common';
import { createServer, IncomingMessage, Server, ServerResponse } from 'node:http';
import { v7 as uuidv7 } from 'uuid';
import { errorResponse, RequestError, toRequestError } from '#libs/errors';
import { Instruments } from './instruments';

/** Whether the process can do its work, and what that was told by. */
export interface Readiness {
  readonly status: 'ok' | 'unavailable';
  readonly checks: Readonly<Record<string, string | boolean>>;
}

interface Page {
  status: number;
  type: string;
  body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** The admin port: `/metrics`, `/health/live` and, where it is given, `/health/ready`. Apart from the API, so that no caller reaches it and a scrape never queues behind one. */
@Injectable()
export class MetricsServer {
  private readonly logger = new Logger(MetricsServer.name);
  private server: Server | undefined;
  private ready: (() => Promise<Readiness>) | undefined;

  constructor(private readonly instruments: Instruments) {}

  /**
   * @param port 0 takes any free one
   * @param ready what `/health/ready` says; a process that has it on another port gives none
   * @returns the port it listens on
   * @throws what `listen` fails with, e.g. EADDRINUSE
   */
  async start(host: string, port: number, ready?: () => Promise<Readiness>): Promise<number> {
    this.ready = ready;
    const server = createServer((request, response) => {
      this.response(request, response).catch((error: unknown) => {
        this.logger.error(error);
        response.destroy();
      });
    });
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

  private async response(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, type, body } = await this.page(request);
      response.writeHead(status, { 'content-type': type }).end(body);
    } catch (error) {
      const requestError = toRequestError(error);
      if (requestError.code === 'internal')
        this.logger.error('the admin port could not respond', (requestError.cause as Error).stack);
      const { status, headers, body } = errorResponse(requestError, uuidv7());
      response.writeHead(status, headers).end(body);
    }
  }

  /** @throws RequestError for an unknown path or method */
  private async page({ url = '/', method = '', headers }: IncomingMessage): Promise<Page> {
    const [path = '/'] = url.split('?');
    const page = this.pages(headers.accept).get(path);
    if (page === undefined) throw new RequestError('not_found');
    if (method !== 'GET' && method !== 'HEAD') {
      throw new RequestError('method_not_allowed', undefined, { headers: { allow: 'GET, HEAD' } });
    }
    return page();
  }

  private pages(accept: string | undefined): Map<string, () => Page | Promise<Page>> {
    const { ready } = this;
    const pages = new Map<string, () => Page | Promise<Page>>([
      ['/metrics', () => this.metricsPage(accept)],
      ['/health/live', () => ({ status: 200, type: JSON_TYPE, body: '{"status":"ok"}' })],
    ]);
    if (ready) {
      pages.set('/health/ready', async () => {
        const readiness = await ready();
        return { status: readiness.status === 'ok' ? 200 : 503, type: JSON_TYPE, body: JSON.stringify(readiness) };
      });
    }
    return pages;
  }

  private async metricsPage(accept: string | undefined): Promise<Page> {
    const { contentType, body } = await this.instruments.page(accept);
    return { status: 200, type: contentType, body };
  }
}
