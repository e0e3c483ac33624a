import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { errorCodes } from 'fastify';
import { describe, expect, it } from 'vitest';
import { toRequestError } from './error.mapping';
import { RequestError } from './request.error';

describe('toRequestError', () => {
  it('returns a request error unchanged', () => {
    const error = new RequestError('forbidden');
    expect(toRequestError(error)).toBe(error);
  });

  const fastifyErrors = [
    [errorCodes.FST_ERR_CTP_BODY_TOO_LARGE(), 'payload_too_large'],
    [errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(), 'unsupported_media_type'],
    [errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH(), 'invalid_request'],
  ] as const;

  it.each(fastifyErrors)('converts %s to %s', (error, code) => {
    expect(toRequestError(error).code).toBe(code);
  });

  it.each(fastifyErrors)('converts %s to %s after Nest has wrapped it', (error, code) => {
    expect(toRequestError(new HttpException(error.message, error.statusCode ?? 500)).code).toBe(code);
  });

  it('converts an HTTP exception by its status, without its message', () => {
    const missing = toRequestError(new NotFoundException('Cannot GET /v2/prism/secret'));
    expect(missing).toMatchObject({ code: 'not_found', status: 404 });
    expect(missing.message).not.toContain('secret');
    expect(toRequestError(new BadRequestException()).code).toBe('invalid_request');
    expect(toRequestError(new HttpException('teapot', 418)).code).toBe('invalid_request');
    expect(toRequestError(new HttpException('bad gateway', 502)).code).toBe('internal');
  });

  it('converts the error of an interrupted body to invalid_request', () => {
    const aborted = Object.assign(new Error('aborted'), { code: 'ECONNRESET', statusCode: 400 });
    expect(toRequestError(aborted).code).toBe('invalid_request');
  });

  it.each([new TypeError('x is undefined'), 'a string', null, undefined, { statusCode: 404 }, Object.create(null)])(
    'converts anything else (%s) to an internal error, with the thrown value as its cause only',
    (thrown: unknown) => {
      const error = toRequestError(thrown);
      expect(error.code).toBe('internal');
      expect(error.message).not.toContain('undefined');
      if (thrown !== undefined) expect(error.cause).toBe(thrown);
    },
  );
});
