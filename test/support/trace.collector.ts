import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { expect, onTestFinished } from 'vitest';

/** An OTLP span in JSON, with the fields that tests check. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  /** 1: internal, 2: server, 3: client. */
  kind: number;
  /** 2: failed. */
  status: { code?: number };
  attributes: Record<string, unknown>;
}

interface OtlpAttribute {
  key: string;
  value: Record<string, unknown>;
}

interface OtlpRequest {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] };
    scopeSpans: { spans: (Omit<ReceivedSpan, 'attributes'> & { attributes: OtlpAttribute[] })[] }[];
  }[];
}

type Behavior = (response: ServerResponse) => void;

/** A collector that receives and stores OTLP spans over HTTP in JSON. Ends with its test. */
export class TraceCollector {
  /** All received bodies. */
  readonly bodies: string[] = [];
  readonly requests: Pick<IncomingMessage, 'url' | 'method' | 'headers'>[] = [];
  /** How it responds to a request. */
  behavior: Behavior = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}');

  private constructor(readonly url: string) {}

  static async start(): Promise<TraceCollector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const collector = new TraceCollector(
      `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : address)}`,
    );
    server.on('request', (request, response) => {
      collector.receive(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : undefined);
      });
    });
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return collector;
  }

  get spans(): ReceivedSpan[] {
    return this.payloads.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) =>
          spans.map((span) => ({ ...span, attributes: attributesOf(span.attributes) })),
        ),
      ),
    );
  }

  /** The resource attributes of the spans. */
  get resource(): Record<string, unknown> {
    return attributesOf(this.payloads[0]?.resourceSpans[0]?.resource.attributes ?? []);
  }

  /** Resolves with the spans of a trace when the span of its request, which ends last, is received. */
  async trace(traceId: string): Promise<ReceivedSpan[]> {
    const find = (): ReceivedSpan[] => this.spans.filter((span) => span.traceId === traceId);
    await expect
      .poll(() => find().some(({ kind }) => kind === 2), { timeout: 10_000, message: `the trace ${traceId}` })
      .toBe(true);
    return find();
  }

  private get payloads(): OtlpRequest[] {
    return this.bodies.map((body) => JSON.parse(body) as OtlpRequest); // checked by assertions
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url, method, headers } = request;
    this.requests.push({ url, method, headers });
    let body = '';
    for await (const chunk of request) body += String(chunk);
    this.bodies.push(body);
    this.behavior(response);
  }
}

function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
