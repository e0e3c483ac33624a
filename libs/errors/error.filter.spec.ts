import { Body, Controller, Get, Logger, Module, Param, ParseUUIDPipe, Post, Res } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RequestError } from './request.error';
import { ErrorFilter } from './error.filter';

class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly severity = 'ERROR';
  readonly code = '22P02';
}

@Controller()
class Thrower {
  @Get('request-error')
  requestError() {
    throw new RequestError('unavailable', 'later', {
      retryAfterSeconds: 7,
      cause: new Error('rejected'),
    });
  }

  @Get('lost')
  lost() {
    throw new RequestError('unavailable', undefined, {
      cause: Object.assign(new Error('lost'), { code: 'ECONNRESET' }),
    });
  }

  @Get('defect')
  defect() {
    throw new TypeError('cannot read the password hunter2');
  }

  @Get('database')
  database() {
    throw new DatabaseError('invalid input syntax: "hunter2"');
  }

  @Get('text')
  text() {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a dependency may throw
    throw 'hunter2';
  }

  @Get('sent')
  async sent(@Res() reply: FastifyReply) {
    await reply.send({ first: true });
    throw new RequestError('forbidden');
  }

  @Get('piped/:id')
  piped(@Param('id', ParseUUIDPipe) id: string) {
    return id;
  }

  @Post('body')
  body(@Body() body: unknown) {
    return { body };
  }
}

@Module({ controllers: [Thrower], providers: [{ provide: APP_FILTER, useClass: ErrorFilter }] })
class ThrowerModule {}

describe('ErrorFilter', () => {
  let app: NestFastifyApplication;
  const logged: [level: string, line: Record<string, unknown>][] = [];

  beforeAll(async () => {
    const capture = (level: string) => (line: unknown) => {
      if (typeof line === 'object') logged.push([level, { ...line }]);
    };
    Logger.overrideLogger({ log: capture('log'), error: capture('error'), warn: capture('warn') });
    const adapter = new FastifyAdapter({ bodyLimit: 100 });
    app = await NestFactory.create<NestFastifyApplication>(ThrowerModule, adapter);
    app
      .getHttpAdapter()
      .getInstance()
      .addHook('onRequest', (request, _reply, done) => {
        done(request.headers['x-reject'] ? new RequestError('unauthorized') : undefined);
      });
    await app.init();
  });
  afterAll(() => app.close());
  beforeEach(() => {
    logged.length = 0;
  });

  async function send(method: 'GET' | 'POST', url: string, headers: Record<string, string> = {}, payload = '') {
    const response = await app.inject({ method, url, headers, ...(payload && { payload }) });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.payload,
      json: response.json<unknown>(),
    };
  }

  it('responds with the request error of a handler and its headers', async () => {
    const { status, headers, json } = await send('GET', '/request-error');
    expect(status).toBe(503);
    expect(headers).toMatchObject({ 'retry-after': '7', 'content-type': 'application/json; charset=utf-8' });
    expect(json).toEqual({
      error: { code: 'unavailable', message: 'later', request_id: headers['x-request-id'] },
    });
    expect(logged).toMatchObject([['warn', { message: 'request failed: unavailable' }]]);
  });

  it('responds to a defect with 500, and logs it once with the request id', async () => {
    const { status, headers, text } = await send('GET', '/defect');
    expect(status).toBe(500);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('at ');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject(['error', { request_id: headers['x-request-id'], error: { type: 'TypeError' } }]);
    expect(JSON.stringify(logged)).toContain('Thrower.defect');
  });

  it('logs a database error without its message', async () => {
    expect(await send('GET', '/database')).toMatchObject({ status: 500 });
    expect(logged).toMatchObject([['error', { error: { type: 'DatabaseError', code: '22P02' } }]]);
    expect(JSON.stringify(logged)).not.toContain('hunter2');
    expect(JSON.stringify(logged)).toContain('Thrower.database');
  });

  it('responds to a thrown value that is no error with 500, and logs its type only', async () => {
    const { status, text } = await send('GET', '/text');
    expect(status).toBe(500);
    expect(text).not.toContain('hunter2');
    expect(logged).toMatchObject([['error', { error: { type: 'string' } }]]);
    expect(JSON.stringify(logged)).not.toContain('hunter2');
  });

  it('logs requests that fail for the same reason once, and their number later', async () => {
    for (let n = 0; n < 3; n += 1) expect((await send('GET', '/lost')).status).toBe(503);
    expect(logged).toMatchObject([['warn', { message: 'request failed: unavailable', error: { code: 'ECONNRESET' } }]]);
  });

  it('writes nothing after a response was sent', async () => {
    expect(await send('GET', '/sent')).toMatchObject({ status: 200, json: { first: true } });
    expect(logged).toEqual([]);
  });

  it.each([
    ['a hook', 'GET', '/body', { 'x-reject': '1' }, '', 401, 'unauthorized'],
    ['a pipe', 'GET', '/piped/x', {}, '', 400, 'invalid_request'],
    ['the router', 'GET', '/nowhere', {}, '', 404, 'not_found'],
    ['the parser', 'POST', '/body', { 'content-type': 'text/xml' }, '<a/>', 415, 'unsupported_media_type'],
  ] as const)('responds to an error of %s', async (_, method, url, headers, payload, status, code) => {
    const response = await send(method, url, headers, payload);
    expect(response.status).toBe(status);
    expect(response.json).toMatchObject({ error: { code, request_id: response.headers['x-request-id'] } });
    expect(logged).toEqual([]);
  });

  it('responds with the size limit to a body that is too large', async () => {
    const payload = JSON.stringify('x'.repeat(101));
    const response = await send('POST', '/body', { 'content-type': 'application/json' }, payload);
    expect(response).toMatchObject({
      status: 413,
      json: {
        error: {
          code: 'payload_too_large',
          message: 'The body is larger than 100 bytes.',
          details: { limit_bytes: 100 },
        },
      },
    });
  });
});
