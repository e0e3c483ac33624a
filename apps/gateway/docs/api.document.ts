import { Injectable, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { API_KEY_SCHEME } from '../http/authentication.decorators';
import { COMPONENTS } from './components';
import { commonResponses, withRateLimitFields, withTrace } from './errors.decorator';

const DESCRIPTION = `
Patch up to 100 records in one request: each in its own transaction, exactly once, with its own outcome.

* Send \`Idempotency-Key\` with every write. After any failure, send the same request with the same key: each item is applied once.
* Every response has \`x-request-id\`. Every response with a status other than 2xx has the body \`ErrorResponse\`; its \`code\` is from a closed list.
* A number that a double-precision float cannot represent exactly, such as \`0.1234567890123456789\`, is rejected; send it as a string.
* A client can have rate limits in items, requests and bytes (of request and response bodies) per second. Its responses then have \`RateLimit-Policy\` and \`RateLimit\`; a request over a limit gets 429 \`rate_limited\`. Replays cost nothing.
* A path that does not exist gets 404 \`not_found\`, another method of an existing path 405 \`method_not_allowed\` with \`Allow\`.
`;

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;
type Parameter = Extract<NonNullable<Operation['parameters']>[number], { name: string }>;

/** The OpenAPI 3.1 document, generated from the controllers. */
@Injectable()
export class ApiDocument {
  private json: Buffer | undefined;

  /** Generates the document. Call it after the routes are registered. */
  generate(app: INestApplication): void {
    this.json = Buffer.from(JSON.stringify(generate(app)));
  }

  /**
   * The JSON. All responses share its memory: anybody may request it, and leave the response unread.
   *
   * @throws Error before `generate`
   */
  get content(): Buffer {
    if (this.json === undefined) throw new Error('the document is not generated yet');
    return this.json;
  }
}

function generate(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Prism gateway')
    .setDescription(DESCRIPTION.trim())
    .setVersion('2')
    .addServer('/', 'This gateway')
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The API key of your client.' },
      API_KEY_SCHEME,
    )
    .addTag('Batch', 'Many records in one request.')
    .addTag('Records', 'One record.')
    .addTag('Queries', 'Find and count records.')
    .addTag('Imports', 'Many new records, even more than fit into a batch.')
    .addTag('Receipts', 'What became of a write.')
    .addTag('Properties', 'What records can hold.')
    .addTag('Operations', 'For platforms and load balancers.')
    .build();
  const document = SwaggerModule.createDocument(app, config, { autoTagControllers: false });
  return {
    ...document,
    paths: mapValues(document.paths, completed),
    components: {
      ...document.components,
      ...COMPONENTS,
      schemas: { ...document.components?.schemas, ...COMPONENTS.schemas },
    },
  };
}

/** Adds the errors that every operation can return, and sorts the parameters. */
function completed(item: PathItem, path: string): PathItem {
  return mapValues(item as Record<string, Operation>, (operation) => {
    const authenticated = operation.security !== undefined;
    const responses = { ...commonResponses(authenticated), ...operation.responses };
    return {
      ...operation,
      parameters: (operation.parameters as Parameter[]).toSorted((a, b) => orderOf(a, path) - orderOf(b, path)),
      responses: authenticated ? withRateLimitFields(withTrace(responses)) : responses,
    };
  });
}

/** The order of parameters: path, as in the path; then query, then headers. */
function orderOf({ name, in: kind }: Parameter, path: string): number {
  return kind === 'path' ? path.indexOf(`{${name}}`) : path.length + (kind === 'query' ? 0 : 1);
}

function mapValues<T>(object: Record<string, T>, map: (value: T, key: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}
