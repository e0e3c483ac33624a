import { Controller, Get, Header, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorResponse, RequestError } from '#libs/errors';
import { EXAMPLES } from '../docs/examples';
import { headerRefs, schemaRef } from '../docs/schema.type';
import { type Health, HealthService } from './health.service';

const ready = {
  status: 'ok',
  checks: { postgres: 'up', migrations: 'current', redis: 'up', draining: false },
} satisfies Health;

const notReady = {
  status: 'unavailable',
  checks: { ...ready.checks, postgres: 'down', migrations: 'unknown' },
} satisfies Health;

const error = {
  code: 'unavailable',
  message: 'Postgres is not available: no server listens at the address of DATABASE_URL.',
  request_id: EXAMPLES.requestId,
};

@ApiTags('Operations')
@Controller('health')
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** For liveness probes. Checks only that the process responds. */
  @Get('live')
  @Header('cache-control', 'no-store')
  @ApiOperation({ operationId: 'live', summary: 'Whether the process is alive' })
  @ApiResponse({
    status: 200,
    description: 'The process responds.',
    headers: headerRefs(),
    content: { 'application/json': { schema: schemaRef('Liveness'), example: { status: 'ok' } } },
  })
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** For load balancers. If not ready, the response contains the checks and, as every error response, an `error`. */
  @Get('ready')
  @Header('cache-control', 'no-store')
  @ApiOperation({ operationId: 'ready', summary: 'Whether the process can receive requests' })
  @ApiResponse({
    status: 200,
    description:
      'The process is ready. If Redis is `down`, or `degraded` because it rejects calls, or the replica is `down`, `status` is `degraded`, and the process is ready too.',
    headers: headerRefs(),
    content: { 'application/json': { schema: schemaRef('Health'), example: ready } },
  })
  @ApiResponse({
    status: 503,
    description:
      'The process is not ready: Postgres does not respond within a second, rejects connections or is read-only, migrations are pending, or the process is stopping.',
    headers: headerRefs('retry-after'),
    content: {
      'application/json': {
        schema: { oneOf: [schemaRef('Health'), schemaRef('ErrorResponse')] },
        examples: { unavailable: { summary: 'Postgres is down', value: { ...notReady, error } } },
      },
    },
  })
  async ready(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<object> {
    const { reason, ...health } = await this.health.ready();
    if (health.status !== 'unavailable') return health;
    const { status, headers, body } = errorResponse(new RequestError('unavailable', reason), request.id);
    void reply.code(status).headers(headers);
    // `errorResponse` renders the body as text.
    return { ...health, ...(JSON.parse(body) as { error: object }) };
  }
}
