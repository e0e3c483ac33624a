import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { errorCodes } from 'fastify';
import { describe, expect, it } from 'vitest';
import { RequestError } from './request.error';
import { toRequestError } from './error.mapping';

describe('problemOf', () => {
  it('leaves a problem as it is', () => {
    const error = new RequestError('forbidden');
    expect(toRequestError(error)).toBe(error);
  });

  const fastifyErrors = [
    [errorCodes.FST_ERR_CTP_BODY_TOO_LARGE(), 'payload_too_large'],
    [errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(), 'unsupported_media_type'],
    [errorCodes.FST_ERR_CTP_INVALID_JSON_BODY(), 'invalid_json'],
    [errorCodes.FST_ERR_CTP_EMPTY_JSON_BODY(), 'invalid_json'],
    [errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH(), 'invalid_request'],
  ] as const;

  it.each(fastifyErrors)('takes %s for %s', (error, code) => {
    expect(toRequestError(error).code).toBe(code);
  });

  it.each(fastifyErrors)('takes %s for %s also after Nest took its code away', (error, code) => {
    expect(toRequestError(new HttpException(error.message, error.statusCode ?? 500)).code).toBe(code);
  });

  it('names the part of the request where Fastify’s status says too little', () => {
    expect(toRequestError(errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH()).errors).toMatchObject([
      { field: '.header.content-length' },
    ]);
    const badUrl = toRequestError(errorCodes.FST_ERR_BAD_URL('/%zz'));
    expect(badUrl.errors).toMatchObject([{ field: '.path', code: 'url' }]);
    expect(badUrl.message).not.toContain('%zz');
    expect(toRequestError(errorCodes.FST_ERR_MAX_PARAM_LENGTH('/x'))).toMatchObject({
      code: 'invalid_request',
      status: 400,
    });
  });

  it('takes an HTTP exception for the problem of its status, without its text', () => {
    const missing = toRequestError(new NotFoundException('Cannot GET /v2/prism/secret'));
    expect(missing).toMatchObject({ code: 'not_found', status: 404 });
    expect(missing.message).not.toContain('secret');
    expect(toRequestError(new BadRequestException()).code).toBe('invalid_request');
    expect(toRequestError(new HttpException('teapot', 418)).code).toBe('invalid_request');
    expect(toRequestError(new HttpException('gone wrong', 502)).code).toBe('internal');
    for (const [status, code] of [
      [401, 'unauthorized'],
      [403, 'forbidden'],
      [405, 'method_not_allowed'],
      [412, 'precondition_failed'],
      [413, 'payload_too_large'],
      [415, 'unsupported_media_type'],
      [429, 'rate_limited'],
      [503, 'unavailable'],
    ] as const) {
      expect(toRequestError(new HttpException('', status)).code).toBe(code);
    }
  });

  it('takes a caller who hung up in the middle of the body for a bad request, not for our fault', () => {
    const aborted = Object.assign(new Error('aborted'), { code: 'ECONNRESET', statusCode: 400 });
    expect(toRequestError(aborted).code).toBe('invalid_request');
  });

  it.each([new TypeError('x is undefined'), 'a string', null, undefined, { statusCode: 404 }, Object.create(null)])(
    'takes anything else (%s) for a fault of ours, whose text the caller does not see',
    (thrown: unknown) => {
      const error = toRequestError(thrown);
      expect(error.code).toBe('internal');
      expect(error.message).not.toContain('undefined');
      if (thrown !== undefined) expect(error.cause).toBe(thrown);
    },
  );
});
