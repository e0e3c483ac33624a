import { Agent, request } from 'undici';
import { versionOf } from './etags';
import { expectDocumented, type OpenApiDocument } from './openapi';

export interface ApiResponse<B = any> {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The parsed body, untyped: assertions check it. */
  body: B;
}

export interface CallOptions {
  headers?: Record<string, string | string[]>;
  /** Sent as JSON; a string or buffer is sent unchanged. */
  body?: unknown;
  /** Skips the check against the OpenAPI document, for calls that it cannot describe. */
  undocumented?: boolean;
}

export interface Credentials {
  teamId: string;
  apiKey: string;
  keyId: string;
}

const agent = new Agent({ connections: 128 });

/** A client of the gateway that checks every response against the OpenAPI document. */
export class ApiClient {
  constructor(
    readonly url: string,
    readonly document: OpenApiDocument,
    readonly credentials: Credentials,
  ) {}

  get teamId(): string {
    return this.credentials.teamId;
  }

  /** A path below the client's team: `path('organization/batch/update')`. */
  path(rest: string): string {
    return `/v2/prism/${this.teamId}/${rest}`;
  }

  async call<B = any>(method: string, path: string, options: CallOptions = {}): Promise<ApiResponse<B>> {
    const { body } = options;
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const response = await request(this.url + path, {
      method: method as 'GET',
      dispatcher: agent,
      headers: {
        'x-api-key': this.credentials.apiKey,
        ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(raw === undefined ? {} : { body: raw }),
    });
    const text = await response.body.text();
    const received: ApiResponse<B> = {
      status: response.statusCode,
      headers: response.headers,
      text,
      body: parsed(response.headers['content-type'], text) as B,
    };
    if (options.undocumented !== true) {
      expectDocumented(this.document, method, path, {
        status: received.status,
        headers: received.headers,
        body: received.body,
      });
    }
    return received;
  }

  /** Creates a record and returns its id. */
  async create(content: object = { default: { name: 'Acme' } }, object = 'organization'): Promise<string> {
    const { status, text, body } = await this.call('POST', this.path(object), { body: content });
    if (status !== 201) throw new Error(`create responded ${status}: ${text}`);
    return body.id;
  }

  /** Sends a batch update of organizations. */
  update(
    items: unknown[],
    options?: object | null,
    headers: Record<string, string> = {},
    object = 'organization',
  ): Promise<ApiResponse> {
    const body = options === undefined ? { items } : { items, options };
    return this.call('POST', this.path(`${object}/batch/update`), { body, headers });
  }

  /** Reads a record, its version and its etag. */
  async read(id: string, object = 'organization'): Promise<{ record: any; version: number; etag: string }> {
    const { status, text, body, headers } = await this.call('GET', this.path(`${object}/${id}`));
    if (status !== 200) throw new Error(`get responded ${status}: ${text}`);
    const etag = String(headers.etag);
    return { record: body, version: versionOf(etag), etag };
  }
}

function parsed(contentType: string | string[] | undefined, text: string): unknown {
  return text !== '' && String(contentType).startsWith('application/json') ? JSON.parse(text) : undefined;
}
