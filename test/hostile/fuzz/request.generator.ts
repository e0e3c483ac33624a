import { type RequestParts } from '../../support/http.connection';
import { Random } from '../../support/random';
import { type Form, generateBody, type Known, weighted } from './body.generator';

/** The target of generated requests, and their API key. */
export interface Caller extends Known {
  teamId: string;
  apiKey: string;
}

/** A raw request and its expected result. */
export interface RawRequest {
  bytes: Buffer;
  /**
   * `whole`: valid framing, so that each request gets a response. `broken`: invalid framing or truncated, after which the
   * caller ends its side. `aborted`: the caller disconnects.
   */
  kind: 'whole' | 'broken' | 'aborted';
  /** The number of requests; with `whole` also of responses, unless the connection is closed. */
  requests: number;
  /** The number of pieces in which it is sent. */
  pieces: number;
}

const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'POST',
  'POST',
  'PATCH',
  'HEAD',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'M-SEARCH',
  'LINK',
];
const NO_METHODS = ['get', 'FETCH', '', 'G\0T', 'GET\tGET', 'CONNECT'];
const SEGMENTS = [
  ...[
    '',
    '',
    '.',
    '..',
    '%2e%2e',
    '%2F',
    '%00',
    '%',
    '%zz',
    '%c0%af',
    '%ff',
    '%ud800',
    ';',
    '*',
    ':id',
    '{id}',
    '~',
    'by',
    'count',
  ],
  ...[
    'restore',
    'duplicate',
    'query',
    'import',
    'properties',
    'options',
    'receipts',
    'batch',
    'batch/update',
    'batch/delete',
    'organization',
  ],
  ...[
    'contact',
    'ORGANIZATION',
    'name',
    '__proto__',
    'constructor',
    '\u00e9',
    'a'.repeat(3_000),
    '00000000-0000-0000-0000-000000000000',
  ],
];
const QUERIES = [
  ...[
    '',
    '',
    '',
    '?',
    '??',
    '?select=',
    '?select=name',
    '?select=%00',
    '?select=%ff',
    '?select[]=name',
    '?select=a&select=b',
    '?__proto__=x',
  ],
  ...[
    '?limit=-1',
    '?limit=1e9',
    '?cursor=%F0%9F',
    '?sort=-name',
    '?a=b&&&=&c',
    `?x=${'y'.repeat(5_000)}`,
    '?%zz',
    '#x',
  ],
];
const HEADERS = [
  ...[
    'x-request-id: a b',
    'x-request-id: \xe9',
    'x-request-timeout-ms: 0',
    'x-request-timeout-ms: 5000',
    'x-request-timeout-ms: 1e3',
  ],
  ...[
    'x-stainless-read-timeout: NaN',
    'idempotency-key: k',
    'idempotency-key: "k"',
    'idempotency-key:',
    'idempotency-key: \xff',
    'idempotency-key: a\r\nidempotency-key: b',
  ],
  ...[
    'if-match: *',
    'if-match: "1-66126e557fbc0"',
    'if-match: W/"1"',
    'if-match: nothing',
    'accept: image/png',
    'accept-encoding: br',
    'origin: null',
  ],
  ...[
    'connection: close',
    'connection: keep-alive, x',
    'x-forwarded-for: 1.2.3.4, garbage',
    'x-forwarded-proto: ftp',
    'traceparent: 00-x',
  ],
  ...[
    'expect: 100-continue',
    'expect: x',
    `a: ${'b'.repeat(9_000)}`,
    'cookie: a=b',
    'te: trailers',
    'range: bytes=0-',
    'authorization: Basic eA==',
  ],
];
const BROKEN_HEADERS = [
  ...[
    'content-length: 5',
    'content-length: -1',
    'content-length: 1, 1',
    'transfer-encoding: chunked',
    'transfer-encoding: x',
    'transfer-encoding: chunked, chunked',
  ],
  ...[
    'a b: c',
    'a : b',
    ': x',
    ' folded',
    'a: b\0',
    'host: other',
    'content-length: 99999999999999999999',
    'upgrade: h2c\r\nconnection: upgrade',
  ],
];
const TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=latin1',
  'text/plain',
  'APPLICATION/JSON',
  'application/json,x',
  '',
];

/** A write or delete with a generated body and valid framing. */
export function generateWrite(random: Random, caller: Caller): RequestParts {
  const { method, path, form } = weighted(random, writesOf(random, caller));
  return {
    ...{ method, path: `/v2/prism/${caller.teamId}/${path}` },
    headers: {
      'x-api-key': caller.apiKey,
      ...(random.chance(0.1) ? { 'idempotency-key': `key-${random.integer(0, 500)}` } : {}),
      ...(random.chance(0.05) ? { 'if-match': random.pick(['*', '"1-66126e557fbc0"', 'x']) } : {}),
    },
    body: generateBody(random, caller, form),
  };
}

interface Write {
  method: string;
  path: string;
  form: Form;
}

function writesOf(random: Random, { recordIds }: Caller): (readonly [number, Write])[] {
  return [
    [6, { method: 'POST', path: 'organization/batch/update', form: 'batch' }],
    [2, { method: 'PATCH', path: `organization/${random.pick(recordIds)}`, form: 'content' }],
    [1, { method: 'POST', path: 'organization/batch/delete', form: 'ids' }],
    [1, { method: 'POST', path: 'organization', form: 'content' }],
    [2, { method: 'POST', path: 'organization/batch', form: 'batch' }],
    [2, { method: 'POST', path: 'organization/query', form: 'query' }],
    [1, { method: 'POST', path: 'organization/import', form: 'import' }],
    [1, { method: 'POST', path: `organization/${random.pick(recordIds)}/restore`, form: 'content' }],
    [1, { method: 'POST', path: `organization/${random.pick(recordIds)}/duplicate`, form: 'content' }],
    [1, { method: 'POST', path: 'organization/properties', form: 'content' }],
    [1, { method: 'DELETE', path: `organization/${random.pick(recordIds)}`, form: 'content' }],
  ];
}

/** One or more valid or invalid requests. */
export function generateRaw(random: Random, caller: Caller): RawRequest {
  const pieces = random.chance(0.8) ? 1 : random.integer(2, 8);
  const requests = random.chance(0.8) ? 1 : random.integer(2, 10);
  const bytes = Buffer.concat(Array.from({ length: requests }, () => one(random, caller, true)));
  if (random.chance(0.6)) return { kind: 'whole', bytes, requests, pieces };
  const broken = random.chance(0.5)
    ? one(random, caller, false)
    : bytes.subarray(0, random.integer(0, bytes.length - 1));
  return { kind: random.chance(0.5) ? 'broken' : 'aborted', bytes: broken, requests: 1, pieces };
}

/** @param framed whether a server can tell where the request ends */
function one(random: Random, caller: Caller, framed: boolean): Buffer {
  const lines = [
    `${random.pick(framed || random.chance(0.7) ? METHODS : NO_METHODS)} ${target(random, caller)} ${version(random, framed)}`,
    ...(framed || random.chance(0.9) ? [`host: ${random.pick(['gateway', 'gateway:80', '[::1]', ''])}`] : []),
    ...(random.chance(0.85) ? [`x-api-key: ${random.chance(0.95) ? caller.apiKey : 'prism_x'}`] : []),
    ...Array.from({ length: random.integer(0, 3) }, () => random.pick(HEADERS)),
    ...(framed ? [] : [random.pick(BROKEN_HEADERS)]),
    ...(random.chance(0.01) ? Array.from({ length: 150 }, (_, n) => `h${n}: x`) : []),
  ];
  const body = random.chance(0.6) ? generateBody(random, caller, 'batch') : Buffer.alloc(0);
  if (body.length > 0) lines.push(`content-type: ${random.pick(TYPES)}`);
  const inChunks = body.length > 0 && random.chance(0.2);
  if (inChunks) lines.push('transfer-encoding: chunked');
  else if (framed || random.chance(0.5)) lines.push(`content-length: ${body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return Buffer.concat([head, inChunks ? chunked(random, body) : body]);
}

function target(random: Random, { teamId, recordIds }: Caller): string {
  // A third of the paths are valid, so that other parts of the request are tested.
  if (random.chance(0.35)) {
    const rest = random.pick(['batch/update', random.pick(recordIds), '', 'properties']);
    return `/v2/prism/${teamId}/organization${rest === '' ? '' : `/${rest}`}`;
  }
  const prefix = random.pick([
    '/v2/prism',
    '/v2/prism',
    '/v2/prism',
    '/v2/prism',
    '/v2//prism',
    '/V2/Prism',
    '',
    'http://gateway/v2/prism',
    '/v2/prism/..',
  ]);
  const team = random.pick([teamId, teamId, teamId, teamId.toUpperCase(), '', 'x', '%00', random.uuid()]);
  const rest = Array.from({ length: random.integer(0, 3) }, () =>
    random.chance(0.3) ? random.pick(recordIds) : random.pick(SEGMENTS),
  );
  return (
    [prefix, team, random.pick(['organization', 'organization', 'contact', 'x', '']), ...rest].join('/') +
    random.pick(QUERIES)
  );
}

function version(random: Random, framed: boolean): string {
  return framed || random.chance(0.8) ? 'HTTP/1.1' : random.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.1x', '']);
}

function chunked(random: Random, body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const size = random.integer(1, body.length - at);
    const extension = random.chance(0.1) ? ';a=b' : '';
    parts.push(Buffer.from(`${size.toString(16)}${extension}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'));
    at += size;
  }
  return Buffer.concat([...parts, Buffer.from(random.chance(0.1) ? '0\r\ntrailer: x\r\n\r\n' : '0\r\n\r\n')]);
}
