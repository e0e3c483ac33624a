import { Injectable, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { API_KEY_SCHEME } from '../http/authentication.decorators';
import { components } from './components';
import { commonResponses, withLimits, withTrace } from './errors.decorator';

const DESCRIPTION = `
Patch up to 100 records in one request: each in its own transaction, each exactly once, each with its own outcome.

* Send \`Idempotency-Key\` with every write. Whatever goes wrong on the way, the same request with the same key applies each item once.
* Every answer has \`x-request-id\`. Every response that is not 2xx has the body \`ErrorResponse\`; its \`code\` is one of a closed list.
* A number that a double-precision float cannot hold without rounding, such as \`0.1234567890123456789\`, is refused with 400 \`invalid_request\`; send it as a string.
* An application may have rate limits in items, requests and bytes (of request and response bodies) per second. Its responses then have \`RateLimit-Policy\` and \`RateLimit\`; over a limit, a call gets 429 \`rate_limited\`. Replays cost nothing.
* A path that does not exist answers 404 \`not_found\`; one that exists, asked with another method, 405 \`method_not_allowed\` with \`Allow\`.
`;

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;
type Parameter = Extract<NonNullable<Operation['parameters']>[number], { name: string }>;

/** The OpenAPI 3.1 document of this program, made from its controllers once they are there. */
@Injectable()
export class ApiDocument {
  private json: string | undefined;

  /** Makes the document; call it when the app's routes are known. */
  describe(app: INestApplication): void {
    this.json = JSON.stringify(describe(app));
  }

  /** @throws Error before `describe` */
  get text(): string {
    if (this.json === undefined) throw new Error('The API is not described yet.');
    return this.json;
  }
}

function describe(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Prism gateway')
    .setDescription(DESCRIPTION.trim())
    .setVersion('2')
    .addServer('/', 'This gateway')
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The key of your application.' },
      API_KEY_SCHEME,
    )
    .addTag('Batch', 'Many records in one request.')
    .addTag('Records', 'One record.')
    .addTag('Properties', 'What records can hold.')
    .addTag('Operations', 'For platforms and load balancers.')
    .build();
  const document = SwaggerModule.createDocument(app, config, { autoTagControllers: false });
  return {
    ...document,
    paths: mapValues(document.paths, completed),
    components: {
      ...document.components,
      ...components,
      schemas: { ...document.components?.schemas, ...components.schemas },
    },
  };
}

/** Adds to each operation of a path how every operation may refuse, and puts its parameters in the order of reading. */
function completed(item: PathItem, path: string): PathItem {
  return mapValues(item as Record<string, Operation>, (operation) => {
    const authenticated = operation.security !== undefined;
    const responses = { ...commonResponses(authenticated), ...operation.responses };
    return {
      ...operation,
      parameters: (operation.parameters as Parameter[]).toSorted((a, b) => placeOf(a, path) - placeOf(b, path)),
      responses: authenticated ? withLimits(withTrace(responses)) : responses,
    };
  });
}

/** Those of the path first, as they stand in it; then those of the query, then headers. */
function placeOf({ name, in: kind }: Parameter, path: string): number {
  return kind === 'path' ? path.indexOf(`{${name}}`) : path.length + (kind === 'query' ? 0 : 1);
}

function mapValues<T>(object: Record<string, T>, map: (value: T, key: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}
