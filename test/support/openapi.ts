import type { OpenAPIObject } from '@nestjs/swagger';
import type { ValidateFunction } from 'ajv';
import Ajv2020 from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { request } from 'undici';

export type OpenApiDocument = OpenAPIObject;

type PathItem = OpenApiDocument['paths'][string];
type Operation = NonNullable<PathItem['get']>;
type Response = NonNullable<Extract<Operation['responses'][string], { description: string }>>;

export interface ReceivedResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** The parsed body; undefined if there was none. */
  body: unknown;
}

/** Statuses that undocumented paths and methods may have. */
const UNDOCUMENTED_STATUSES = new Set([400, 401, 403, 404, 405, 503]);
const DOCUMENTED_HEADERS = [
  'allow',
  'etag',
  'idempotent-replay',
  'location',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'traceresponse',
  'www-authenticate',
  'x-request-id',
  'x-should-retry',
];

const validators = new WeakMap<OpenApiDocument, (pointer: string[]) => ValidateFunction>();

/** Fetches the document of a running gateway. */
export async function documentOf(url: string): Promise<OpenApiDocument> {
  const response = await request(`${url}/openapi.json`);
  return (await response.body.json()) as OpenApiDocument; // http-docs.test.ts checks it
}

/**
 * Fails unless the document has the response's status for the operation, and describes its body, error code and headers.
 * Undocumented paths and methods must get an error response.
 */
export function expectDocumented(
  document: OpenApiDocument,
  method: string,
  url: string,
  received: ReceivedResponse,
): void {
  const found = operationOf(document, method, url);
  const what = `${method} ${found?.path ?? url} → ${received.status}`;
  if (found === undefined) {
    if (!UNDOCUMENTED_STATUSES.has(received.status)) throw new Error(`${what}: the document has no such operation`);
    expectValid(document, ['components', 'schemas', 'ErrorResponse'], received.body, what);
    return;
  }
  const { path, operation, name } = found;
  const response = operation.responses[String(received.status)] as Response | undefined; // responses are inline in the document
  if (response === undefined) {
    throw new Error(`${what}: the document has no such status; the response was ${JSON.stringify(received.body)}`);
  }
  expectHeaders(document, response, received, what);
  if (method === 'HEAD') return;
  const place = ['paths', path, name, 'responses', String(received.status), 'content'];
  expectBody(document, place, response, received, what);
}

/** Fails unless the value matches the schema at this place of the document. */
export function expectValid(document: OpenApiDocument, place: string[], value: unknown, what: string): void {
  const validate = validatorsOf(document)(place);
  if (validate(value)) return;
  const errors = (validate.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath || '(root)'} ${message ?? ''}`,
  );
  throw new Error(`${what}: ${errors.join('; ')}\n${JSON.stringify(value, null, 2)}`);
}

function expectBody(
  document: OpenApiDocument,
  place: string[],
  response: Response,
  received: ReceivedResponse,
  what: string,
): void {
  const actual = String(received.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
  const types = Object.keys(response.content ?? {});
  if (types.length === 0 && received.body === undefined) return;
  if (!types.includes(actual)) throw new Error(`${what}: is ${actual}, documented is ${types.join(', ') || 'no body'}`);
  if (actual !== 'application/json') return;
  expectValid(document, [...place, actual, 'schema'], received.body, what);
  const code = (received.body as { error?: { code?: string } } | undefined)?.error?.code;
  const examples = response.content?.[actual]?.examples;
  if (code !== undefined && examples !== undefined && !(code in examples)) {
    throw new Error(`${what}: the document has no ${code} here`);
  }
}

function expectHeaders(
  document: OpenApiDocument,
  response: Response,
  { headers }: ReceivedResponse,
  what: string,
): void {
  const documented = response.headers ?? {};
  for (const name of Object.keys(documented)) {
    const { required } = document.components?.headers?.[name] as { required?: boolean }; // headers are references
    if (required === true && headers[name] === undefined) throw new Error(`${what}: the header ${name} is missing`);
  }
  for (const name of DOCUMENTED_HEADERS) {
    if (headers[name] === undefined) continue;
    if (!(name in documented)) throw new Error(`${what}: the header ${name} is not in the document`);
    const { schema } = document.components?.headers?.[name] as { schema?: { type?: string } };
    const value = schema?.type === 'integer' ? Number(headers[name]) : headers[name];
    expectValid(document, ['components', 'headers', name, 'schema'], value, `${what}: header ${name}`);
  }
}

interface Found {
  path: string;
  name: string;
  operation: Operation;
}

function operationOf(document: OpenApiDocument, method: string, url: string): Found | undefined {
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  const [target = ''] = url.split('?', 1);
  const [path] = Object.keys(document.paths)
    .filter((template) => matches(template, target))
    .sort((a, b) => a.split('{').length - b.split('{').length);
  if (path === undefined) return undefined;
  const operation = document.paths[path]?.[name as 'get'];
  return operation === undefined ? undefined : { path, name, operation };
}

function matches(template: string, path: string): boolean {
  const expected = template.split('/');
  const actual = path.split('/');
  return (
    expected.length === actual.length &&
    expected.every((segment, i) => (segment.startsWith('{') ? actual[i] !== '' : segment === actual[i]))
  );
}

function validatorsOf(document: OpenApiDocument): (place: string[]) => ValidateFunction {
  const known = validators.get(document);
  if (known !== undefined) return known;
  // Not strict: the document has members that are not keywords of JSON Schema.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ ...document, $id: 'document' });
  const compiled = new Map<string, ValidateFunction>();
  const validatorAt = (place: string[]): ValidateFunction => {
    const pointer = place.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `document#/${pointer}` });
    compiled.set(pointer, validate);
    return validate;
  };
  validators.set(document, validatorAt);
  return validatorAt;
}
