import { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ITEM_ERRORS, REQUEST_ERRORS } from '#libs/errors';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { expectValid, type OpenApiDocument } from '../support/openapi';

interface Operation {
  operationId: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; headers?: object; content?: Record<string, Media> }>;
}

interface Media {
  schema: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

let gateway: TestGateway;
let caller: ApiClient;
let document: OpenApiDocument;
let operations: { path: string; method: string; operation: Operation }[];

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  document = caller.document;
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({ path, method, operation })),
  );
});

afterAll(() => gateway.close());

describe('the OpenAPI document', () => {
  it('is version 3.1, with the API key as security scheme and a relative server', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url: '/', description: 'This gateway' }]);
    expect(document.components?.securitySchemes).toMatchObject({
      api_key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
    });
  });

  it('contains every operation of the gateway', () => {
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'delete /v2/prism/{team}/{object}/properties/{property}',
      'delete /v2/prism/{team}/{object}/properties/{property}/options/{option}',
      'delete /v2/prism/{team}/{object}/{id}',
      'get /docs',
      'get /health/live',
      'get /health/ready',
      'get /openapi.json',
      'get /v2/prism/{team}/imports/{job_id}',
      'get /v2/prism/{team}/properties',
      'get /v2/prism/{team}/receipts/{key}',
      'get /v2/prism/{team}/{object}',
      'get /v2/prism/{team}/{object}/by/{slug}/{value}',
      'get /v2/prism/{team}/{object}/count',
      'get /v2/prism/{team}/{object}/properties',
      'get /v2/prism/{team}/{object}/{id}',
      'patch /v2/prism/{team}/{object}/properties/{property}',
      'patch /v2/prism/{team}/{object}/properties/{property}/options/{option}',
      'patch /v2/prism/{team}/{object}/{id}',
      'post /v2/prism/{team}/{object}',
      'post /v2/prism/{team}/{object}/batch',
      'post /v2/prism/{team}/{object}/batch/delete',
      'post /v2/prism/{team}/{object}/batch/update',
      'post /v2/prism/{team}/{object}/import',
      'post /v2/prism/{team}/{object}/properties',
      'post /v2/prism/{team}/{object}/properties/{property}/options',
      'post /v2/prism/{team}/{object}/query',
      'post /v2/prism/{team}/{object}/{id}/duplicate',
      'post /v2/prism/{team}/{object}/{id}/restore',
      'put /v2/prism/{team}/{object}/by/{slug}/{value}',
    ]);
  });

  it('names each operation once and each path parameter', () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+([A-Z][a-z]+)*$/);
    for (const { path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
      const declared = (operation.parameters ?? []).filter(({ in: place }) => place === 'path');
      expect(declared.map(({ name }) => name).sort()).toEqual(inPath);
      expect(declared.every(({ required }) => required)).toBe(true);
    }
  });

  it('has no dangling reference', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, place]) => place ?? '');
    expect(references.length).toBeGreaterThan(20);
    for (const place of references) {
      const found = place.split('/').reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], document);
      expect(found, place).toBeInstanceOf(Object);
    }
  });

  it('states the scope of each record operation and its errors', () => {
    for (const { path, operation } of operations.filter(({ path }) => path.startsWith('/v2/prism'))) {
      expect(operation.security, path).toHaveLength(1);
      expect(Object.keys(operation.responses), path).toEqual(
        expect.arrayContaining(['400', '401', '403', '404', '500', '503']),
      );
    }
  });

  it('contains every error code of requests and items', () => {
    const schemas = document.components?.schemas as Record<string, { properties: { code: { enum: string[] } } }>;
    expect(schemas.Error?.properties.code.enum).toEqual(Object.keys(REQUEST_ERRORS));
    expect(schemas.ItemError?.properties.code.enum).toEqual(Object.keys(ITEM_ERRORS));
    const update = operations.find(({ operation }) => operation.operationId === 'batchUpdate')?.operation;
    expect(Object.keys(update?.responses['409']?.content?.['application/json']?.examples ?? {})).toEqual([
      'idempotency_key_mismatch',
      'idempotency_key_stale',
      'idempotency_key_in_use',
    ]);
  });

  it('has examples that match its schemas, except the items that are meant to fail', () => {
    let shown = 0;
    for (const { path, method, operation } of operations) {
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        for (const [type, media] of Object.entries(content)) {
          const examples = Object.values(media.examples ?? {}).map(({ value }) => value);
          for (const example of media.example === undefined ? examples : [...examples, media.example]) {
            const place = ['paths', path, method, 'responses', status, 'content', type, 'schema'];
            expectValid(document, place, example, `${method} ${path} ${status}`);
            shown += 1;
          }
        }
      }
    }
    expect(shown).toBeGreaterThan(50);
  });

  it('has a batch example that produces the documented response', async () => {
    const update = operations.find(({ operation }) => operation.operationId === 'batchUpdate')?.operation;
    const body = update?.requestBody?.content['application/json']?.examples?.partial?.value;
    const response = await caller.call('POST', caller.path('organization/batch/update'), { body });
    expect(response.body).toMatchObject({
      results: [
        { error: { code: 'not_found' } },
        { error: { code: 'not_found' } },
        { error: { code: 'unknown_option' } },
        { error: { code: 'invalid_item' } },
      ],
    });
  });
});

describe('the documentation page', () => {
  it('has a policy that allows requests to its own origin only', async () => {
    const { status, headers, text } = await caller.call('GET', '/docs');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(text).not.toMatch(/https?:\/\//);
  });

  it('has immutable files, whose addresses change with their content', async () => {
    const { text } = await caller.call('GET', '/docs');
    const addresses = [...text.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, address]) => `/${address ?? ''}`);
    expect(addresses).toHaveLength(5);
    for (const address of addresses) {
      expect(address).toMatch(/\?v=[0-9a-f]{12}$/);
      const { status, headers } = await fetch(gateway.url + address);
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toContain('immutable');
    }
  });

  it.each(['package.json', '..%2fpackage.json', '%2e%2e%2f%2e%2e%2fpackage.json', 'index.js', '__proto__'])(
    'serves no other file: %s',
    async (name) => {
      const { status } = await caller.call('GET', `/docs/${name}`, { undocumented: true });
      expect(status).toBe(404);
    },
  );
});

it.each(['/openapi.json', '/docs'])('all responses of %s share the same memory', async (path) => {
  const end = vi.spyOn(ServerResponse.prototype, 'end');
  for (let i = 0; i < 2; i += 1) await (await fetch(gateway.url + path)).arrayBuffer();
  const contents = end.mock.calls.map(([content]) => content as unknown);
  end.mockRestore();
  expect(contents).toHaveLength(2);
  expect(contents[0]).toBeInstanceOf(Buffer);
  expect(contents[1]).toBe(contents[0]);
});
