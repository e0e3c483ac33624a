import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OBJECT_TYPES } from '#libs/properties';
import type { ApiClient, ApiResponse } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { sourceFile } from '../support/repository.files';

/**
 * The operations of Micro's official SDKs on the records of an object type, by the name of their method: POST import is
 * `bulkCreate`. The SDKs have them for every object type; the gateway serves all of them by one implementation.
 */
const RECORD_OPERATIONS = {
  create: 'post /v2/prism/{team}/{object}',
  update: 'patch /v2/prism/{team}/{object}/{id}',
  list: 'get /v2/prism/{team}/{object}',
  delete: 'delete /v2/prism/{team}/{object}/{id}',
  bulkCreate: 'post /v2/prism/{team}/{object}/import',
  bulkDelete: 'post /v2/prism/{team}/{object}/batch/delete',
  bulkUpdate: 'post /v2/prism/{team}/{object}/batch/update',
  count: 'get /v2/prism/{team}/{object}/count',
  duplicate: 'post /v2/prism/{team}/{object}/{id}/duplicate',
  find: 'get /v2/prism/{team}/{object}/by/{slug}/{value}',
  get: 'get /v2/prism/{team}/{object}/{id}',
  query: 'post /v2/prism/{team}/{object}/query',
  restore: 'post /v2/prism/{team}/{object}/{id}/restore',
  upsert: 'put /v2/prism/{team}/{object}/by/{slug}/{value}',
};
const PROPERTY_OPERATIONS = {
  list: 'get /v2/prism/{team}/{object}/properties',
  create: 'post /v2/prism/{team}/{object}/properties',
  update: 'patch /v2/prism/{team}/{object}/properties/{property}',
  delete: 'delete /v2/prism/{team}/{object}/properties/{property}',
  createOption: 'post /v2/prism/{team}/{object}/properties/{property}/options',
  updateOption: 'patch /v2/prism/{team}/{object}/properties/{property}/options/{option}',
  deleteOption: 'delete /v2/prism/{team}/{object}/properties/{property}/options/{option}',
};

/** A text property that each object type has, where it is not `name`. */
const TITLES: Partial<Record<string, string>> = { contact: 'full_name', identity: 'full_name', comment: 'body' };

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
});
afterAll(() => gateway.close());

describe('the operations of the official SDKs', () => {
  it('are in the OpenAPI document, each for all nine object types', () => {
    expect(OBJECT_TYPES).toHaveLength(9);
    for (const operation of [...Object.values(RECORD_OPERATIONS), ...Object.values(PROPERTY_OPERATIONS)]) {
      const [method = '', path = ''] = operation.split(' ');
      const documented = caller.document.paths[path]?.[method as 'get'];
      const parameters = documented?.parameters as { name: string; schema: { enum?: string[] } }[] | undefined;
      expect(parameters?.find(({ name }) => name === 'object')?.schema.enum, operation).toEqual([...OBJECT_TYPES]);
    }
    expect(Object.keys(caller.document.paths)).toEqual(
      expect.arrayContaining(['/v2/prism/{team}/properties', '/v2/prism/{team}/imports/{job_id}']),
    );
  });

  it('are named in the table of the API guide', async () => {
    const rows = (await readFile(sourceFile('docs/api-guide.md'), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const [methodsOfRecords, methodsOfProperties]: [string[], string[]] = [[], []];
    for (const [, , request = '', methods = ''] of rows) {
      const names = [...methods.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
      if (!request.startsWith('`')) continue;
      if (/properties|options/.test(request)) methodsOfProperties.push(...names);
      else methodsOfRecords.push(...names.map((name) => `${name} ${request.replaceAll('`', '')}`));
    }
    const expected = Object.entries(RECORD_OPERATIONS).map(([name, operation]) => {
      const [method = '', path = ''] = operation.split(' ');
      return `${name} ${method.toUpperCase()} ${path.replace('/v2/prism/{team}', '')}`;
    });
    expect(methodsOfRecords.sort()).toEqual(expected.sort());
    expect(methodsOfProperties.sort()).toEqual(Object.keys(PROPERTY_OPERATIONS).sort());
  });

  describe.each([...OBJECT_TYPES])('on %s', (object) => {
    const title = TITLES[object] ?? 'name';
    const call = (method: string, rest = '', body?: unknown): Promise<ApiResponse> =>
      caller.call(method, caller.path(object + rest), { ...(body === undefined ? {} : { body }) });
    const status = async (response: Promise<ApiResponse>): Promise<number> => (await response).status;

    it('create, read, find, change, copy, delete and restore records', async () => {
      const created = await call('POST', '', { default: { [title]: 'first' } });
      expect(created.status).toBe(201);
      const { id } = created.body;
      expect((await call('GET', `/${id}`)).body).toEqual(created.body);
      expect((await call('GET', `/by/${title}/first`)).body.id).toBe(id);
      expect((await call('PATCH', `/${id}`, { default: { [title]: 'second' } })).body.default[title]).toBe('second');
      expect(await status(call('PUT', `/by/${title}/second`, { default: { [title]: 'second' } }))).toBe(200);
      expect(await status(call('PUT', `/by/${title}/third`, { default: { [title]: 'third' } }))).toBe(201);
      expect(await status(call('POST', `/${id}/duplicate`))).toBe(201);
      expect(await status(call('DELETE', `/${id}`))).toBe(204);
      expect(await status(call('POST', `/${id}/restore`))).toBe(200);

      const batch = await call('POST', '/batch/update', { items: [{ id, default: { [title]: 'fourth' } }] });
      expect(batch.body.summary).toEqual({ total: 1, succeeded: 1, failed: 0 });
      expect((await call('POST', '/batch/delete', { ids: [id] })).body.summary.succeeded).toBe(1);
      expect((await call('POST', '/import', { objects: [{ default: { [title]: 'fifth' } }] })).body.succeeded).toBe(1);
    });

    it('list, query and count records', async () => {
      const titles = ['fifth', 'second', 'third'];
      const titlesOf = ({ body }: ApiResponse): string[] =>
        body.data.map(({ properties }: { properties: Record<string, string> }) => properties[title]);
      expect(titlesOf(await call('GET', `?select=${title}&sort=${title}`))).toEqual(titles);
      const query = { select: [title], sort: [{ [title]: 'asc' }] };
      expect(titlesOf(await call('POST', '/query', { query }))).toEqual(titles);
      expect((await call('GET', '/count')).body).toEqual({ total: 3 });
    });

    it('define, change and delete properties and options', async () => {
      const property = await call('POST', '/properties', { type: 'select_str', name: 'Tier' });
      expect(property.status).toBe(201);
      const { id } = property.body;
      expect((await call('GET', '/properties?term=tier')).body[object]).toHaveProperty(id);
      expect(await status(call('PATCH', `/properties/${id}`, { name: 'Level' }))).toBe(200);
      const option = await call('POST', `/properties/${id}/options`, { value: 'Gold' });
      expect(option.status).toBe(201);
      const path = `/properties/${id}/options/${option.body.id}`;
      expect(await status(call('PATCH', path, { value: 'Silver' }))).toBe(200);
      expect(await status(call('DELETE', path))).toBe(204);
      expect(await status(call('DELETE', `/properties/${id}`))).toBe(204);
    });
  });
});
