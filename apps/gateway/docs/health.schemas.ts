import { type Schema, schemaRef } from './schema.type';

export const HEALTH_SCHEMAS: Readonly<Record<string, Schema>> = {
  Liveness: {
    type: 'object',
    required: ['status'],
    additionalProperties: false,
    properties: { status: { type: 'string', enum: ['ok'] } },
  },
  Health: {
    type: 'object',
    required: ['status', 'checks'],
    additionalProperties: false,
    properties: {
      status: {
        type: 'string',
        enum: ['ok', 'degraded', 'unavailable'],
        description:
          '`degraded`: writes are served, some requests slower or, while `replica` is down, not at all. `unavailable`: send requests to another gateway.',
      },
      checks: {
        type: 'object',
        required: ['postgres', 'migrations', 'redis', 'draining'],
        additionalProperties: false,
        properties: {
          postgres: { type: 'string', enum: ['up', 'down'] },
          migrations: { type: 'string', enum: ['current', 'pending', 'unknown'] },
          redis: { type: 'string', enum: ['up', 'degraded', 'down', 'disabled'] },
          replica: {
            type: 'string',
            enum: ['up', 'down'],
            description: 'Only if a replica serves list, query and count.',
          },
          draining: { type: 'boolean', description: 'The process is stopping.' },
        },
      },
      error: { ...schemaRef('Error'), description: 'Only with status 503, as in every error response.' },
    },
  },
};
