import { createParamDecorator, ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

import { ProblemException } from '#libs/problems';
import { isObjectType, ObjectType, objectTypes } from '#libs/properties';

/** Whose records of which type a call is about: the first two segments of its path. */
export interface RecordTarget {
  /** In lower case. */
  readonly teamId: string;
  readonly objectType: ObjectType;
}

/** Reads the target from the path; the route has a `:team` and an `:object`. */
export const Target = createParamDecorator((_: unknown, context: ExecutionContext) =>
  targetOf(context.switchToHttp().getRequest<FastifyRequest<{ Params: TargetParams }>>().params),
);

interface TargetParams {
  readonly team: string;
  readonly object: string;
}

/** @throws ProblemException `not_found` for an object type that does not exist */
export function targetOf({ team, object }: TargetParams): RecordTarget {
  if (!isObjectType(object)) {
    throw new ProblemException('not_found', `There is no such object type. There are: ${objectTypes.join(', ')}.`);
  }
  return { teamId: team.toLowerCase(), objectType: object };
}
