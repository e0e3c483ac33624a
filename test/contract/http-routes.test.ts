import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { useGateway } from '../support/gateway.hooks';

const api = useGateway();

describe('an unknown route', () => {
  it.each(['/', '/nowhere', '/v2', '/v2/prism', '/health', '/health/live/', '//health/live', '/docs/', '/metrics'])(
    'responds 404 not_found: %s',
    async (path) => {
      const { status, body } = await api.caller.call('GET', path);
      // A path under /v2/prism without a team gets 403.
      expect([status, body.error.code]).toEqual(path === '/v2/prism' ? [403, 'forbidden'] : [404, 'not_found']);
    },
  );

  it.each(['organization/batch/update/', 'organization//batch/update', 'organization/a/b/c', 'organization/batch/x/y'])(
    'below a team responds 404 not_found, whatever the body: %s',
    async (rest) => {
      const { status, body } = await api.caller.call('POST', api.caller.path(rest), { body: '{', undocumented: true });
      expect([status, body.error.code]).toEqual([404, 'not_found']);
    },
  );

  it.each([
    ['GET', 'organization/'],
    ['GET', 'organization/?select=name'],
    ['HEAD', 'organization/'],
    ['PATCH', 'organization/'],
    ['PUT', 'organization/'],
    ['GET', 'organization//'],
    ['GET', '/properties'],
    ['POST', 'organization/batch//update'],
    ['POST', '/batch/update'],
  ])('includes paths with an empty segment, which use no database connection: %s %s', async (method, rest) => {
    // More than the pool has connections.
    for (let n = 0; n < 12; n += 1) {
      const options = { undocumented: true, ...(method.startsWith('P') && { body: { default: {} } }) };
      const { status, body } = await api.caller.call(method, api.caller.path(rest), options);
      expect([status, method === 'HEAD' ? undefined : body.error.code]).toEqual([
        404,
        method === 'HEAD' ? undefined : 'not_found',
      ]);
    }
    expect((await api.caller.call('GET', api.caller.path('organization/properties'))).status).toBe(200);
  });

  it('is checked after authentication and authorization', async () => {
    const missing = await api.caller.call('GET', api.caller.path('a/b/c/d'), { headers: { 'x-api-key': '' } });
    const foreign = await api.caller.call('GET', `/v2/prism/${randomUUID()}/a/b/c/d`);
    expect([missing.status, foreign.status]).toEqual([401, 403]);
  });

  it('includes an unknown object type', async () => {
    const { status, body } = await api.caller.call('POST', api.caller.path('planet/batch/update'), {
      body: { items: [] },
    });
    expect([status, body.error.code]).toEqual([404, 'not_found']);
  });
});

describe('a known path with another method', () => {
  it.each([
    ['GET', 'organization/batch/update', 'POST'],
    ['PUT', 'organization/batch/delete', 'POST'],
    ['PUT', `organization/${randomUUID()}`, 'DELETE, GET, HEAD, PATCH'],
    ['GET', `organization/${randomUUID()}/restore`, 'POST'],
    ['DELETE', `organization/${randomUUID()}/duplicate`, 'POST'],
    ['OPTIONS', 'organization/batch/update', 'POST'],
    ['PROPFIND', 'organization/batch/update', 'POST'],
    ['PUT', 'organization/properties', 'GET, HEAD, POST'],
    ['GET', `organization/properties/${randomUUID()}`, 'DELETE, PATCH'],
    ['GET', `organization/properties/${randomUUID()}/options`, 'POST'],
    ['PUT', `organization/properties/${randomUUID()}/options/${randomUUID()}`, 'DELETE, PATCH'],
    ['PUT', 'receipts/close-deal-1', 'GET, HEAD'],
    ['PUT', 'organization/import', 'POST'],
    ['DELETE', `imports/${randomUUID()}`, 'GET, HEAD'],
  ])('responds 405 with Allow: %s %s', async (method, rest, allow) => {
    const { status, headers, body } = await api.caller.call(method, api.caller.path(rest));
    expect([status, body.error.code, headers.allow]).toEqual([405, 'method_not_allowed', allow]);
  });

  it('responds 405 before the body is read', async () => {
    const { status } = await api.caller.call('PUT', api.caller.path('organization/batch/update'), {
      body: 'not json',
      headers: { 'content-type': 'text/plain' },
    });
    expect(status).toBe(405);
  });

  it('is checked after authentication', async () => {
    const { status } = await api.caller.call('GET', api.caller.path('organization/batch/update'), {
      headers: { 'x-api-key': '' },
    });
    expect(status).toBe(401);
  });
});

describe('HEAD', () => {
  it('responds like GET, without the body', async () => {
    const id = await api.caller.create();
    const get = await api.caller.call('GET', api.caller.path(`organization/${id}`));
    const head = await api.caller.call('HEAD', api.caller.path(`organization/${id}`));
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
    expect(head.headers.etag).toBe(get.headers.etag);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
  });

  it('requires a key where GET does', async () => {
    const { status } = await api.caller.call('HEAD', api.caller.path(`organization/${randomUUID()}`), {
      headers: { 'x-api-key': '' },
    });
    expect(status).toBe(401);
  });
});

describe('the path', () => {
  it.each(['%', '%zz', '%e0%a4', '%ff', '%c3%28'])('with invalid percent-encoding gets 400: %s', async (segment) => {
    const { status, body } = await api.caller.call('GET', api.caller.path(`organization/${segment}`));
    expect([status, body.error.code]).toEqual([400, 'invalid_request']);
    expect(body.error.errors[0].field).toBe('.path');
  });

  it('with invalid percent-encoding gets 401 without a key, and 403 in place of the team', async () => {
    const missing = await api.caller.call('GET', api.caller.path('organization/%zz'), { headers: { 'x-api-key': '' } });
    const foreign = await api.caller.call('GET', '/v2/prism/%zz/organization/x');
    expect([missing.status, foreign.status]).toEqual([401, 403]);
  });

  it('with a team of 10,000 characters gets 403', async () => {
    const { status } = await api.caller.call('GET', `/v2/prism/${'x'.repeat(10_000)}/properties`);
    expect(status).toBe(403);
  });

  it.each(['%2fv2/prism', '/v2/pri%73m', '/%76%32/prism', '/V2/PRISM', '/v2//prism'])(
    'in an unusual spelling does not bypass authentication: %s',
    async (prefix) => {
      const path = `${prefix}/${api.caller.teamId}/properties`.replace(/^(?!\/)/, '/');
      const { status } = await api.caller.call('GET', path, { headers: { 'x-api-key': '' }, undocumented: true });
      expect([401, 404]).toContain(status);
    },
  );
});
