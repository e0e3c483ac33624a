import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Logger } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { errorResponse, RequestError, toRequestError } from '#libs/errors';
import type { Instruments } from '#libs/telemetry';

/** The result of a readiness check. */
export interface Readiness {
  readonly status: 'ok' | 'unavailable';
  /** The state of each dependency. */
  readonly checks: Readonly<Record<string, string | boolean>>;
  /** Why the process is not ready, for operators. */
  readonly reason?: string;
}

interface Page {
  status: number;
  type: string;
  body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * The HTTP server of the admin port: `/metrics`, `/health/live` and optionally `/health/ready`. It is separate from the API, so
 * that callers cannot reach it and a scrape never waits behind their requests.
 */
export class AdminServer {
  private readonly logger = new Logger(AdminServer.name);
  private server: Server | undefined;
  private checkReadiness: (() => Promise<Readiness>) | undefined;

  constructor(private readonly instruments: Instruments) {}

  /**
   * @param port 0 for any free port
   * @param checkReadiness serves `/health/ready`; a gateway serves it on the port of the API instead
   * @returns the port it listens on
   * @throws the error of `listen`, such as EADDRINUSE
   */
  async start(host: string, port: number, checkReadiness?: () => Promise<Readiness>): Promise<number> {
    this.checkReadiness = checkReadiness;
    const server = createServer((request, response) => {
      this.respond(request, response).catch((error: unknown) => {
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

  /** Closes the server and its connections at once. Does nothing if it was not started. */
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

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, type, body } = await this.page(request);
      response.writeHead(status, { 'content-type': type }).end(body);
    } catch (error) {
      const requestError = toRequestError(error);
      if (requestError.code === 'internal') this.logger.error(error);
      const { status, headers, body } = errorResponse(requestError, uuidv7());
      response.writeHead(status, headers).end(body);
    }
  }

  /** @throws RequestError for an unknown path or method */
  private page({ url = '/', method = '', headers }: IncomingMessage): Page | Promise<Page> {
    const [path = '/'] = url.split('?');
    const page = this.pages(headers.accept).get(path);
    if (page === undefined) throw new RequestError('not_found');
    if (method !== 'GET' && method !== 'HEAD') {
      throw new RequestError('method_not_allowed', undefined, { headers: { allow: 'GET, HEAD' } });
    }
    return page();
  }

  private pages(accept: string | undefined): Map<string, () => Page | Promise<Page>> {
    const { checkReadiness } = this;
    const pages = new Map<string, () => Page | Promise<Page>>([
      ['/metrics', () => this.metricsPage(accept)],
      ['/health/live', () => ({ status: 200, type: JSON_TYPE, body: '{"status":"ok"}' })],
    ]);
    if (checkReadiness) {
      pages.set('/health/ready', async () => {
        const readiness = await checkReadiness();
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
