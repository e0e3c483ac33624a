import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequestError } from '#libs/errors';
import { ApiDocument } from './api.document';
import { DocsPage } from './docs.page';
import { headerRefs } from './schema.type';

/** The page loads nothing from other origins, so it works offline. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // Swagger UI sets style attributes.
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

@ApiTags('Operations')
@Controller()
export class DocsController {
  constructor(
    private readonly document: ApiDocument,
    private readonly page: DocsPage,
  ) {}

  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  @Header('cache-control', 'no-cache')
  @ApiOperation({ operationId: 'openapi', summary: 'This document' })
  @ApiResponse({
    status: 200,
    description: 'OpenAPI 3.1.',
    headers: headerRefs(),
    content: { 'application/json': { schema: { type: 'object' } } },
  })
  openapi(): Buffer {
    return this.document.content;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('cache-control', 'no-cache')
  @Header('content-security-policy', POLICY)
  @ApiOperation({ operationId: 'docs', summary: 'A page to read and try the API' })
  @ApiResponse({
    status: 200,
    description: 'HTML.',
    headers: headerRefs(),
    content: { 'text/html': { schema: { type: 'string' } } },
  })
  index(): Buffer {
    return this.page.html;
  }

  @Get('docs/:file')
  @ApiExcludeEndpoint()
  file(@Param('file') name: string, @Res({ passthrough: true }) reply: FastifyReply): Buffer {
    const file = this.page.file(name);
    if (file === undefined) throw new RequestError('not_found');
    void reply.headers({
      'content-type': file.type,
      // The URL of each file contains a hash of its content.
      'cache-control': 'public, max-age=31536000, immutable',
    });
    return file.content;
  }
}
