import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RequestError } from '#libs/errors';
import { isObjectType, ObjectType, OBJECT_TYPES } from '#libs/properties';

/** The team and object type of a request, from its path. */
export interface RecordTarget {
  /** In lower case. */
  readonly teamId: string;
  readonly objectType: ObjectType;
}

/** Injects the target. The route must have the parameters `:team` and `:object`. */
export const Target = createParamDecorator((_: unknown, context: ExecutionContext) =>
  targetOf(context.switchToHttp().getRequest<FastifyRequest<{ Params: TargetParams }>>().params),
);

interface TargetParams {
  readonly team: string;
  readonly object: string;
}

/** @throws RequestError `not_found` for an object type that does not exist */
export function targetOf({ team, object }: TargetParams): RecordTarget {
  if (!isObjectType(object)) {
    throw new RequestError('not_found', `There is no such object type. There are: ${OBJECT_TYPES.join(', ')}.`);
  }
  return { teamId: team.toLowerCase(), objectType: object };
}
