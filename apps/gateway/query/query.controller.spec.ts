import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { HttpExchange } from '../http/exchange.decorator';
import type { RequestPermits } from '../http/request.permits';
import type { RecordTarget } from '../http/target.decorator';
import { QueryController } from './query.controller';
import type { QueryService } from './query.service';

const target: RecordTarget = { teamId: 'team', objectType: 'organization' };

/** A request whose measured sections are not executed. */
function exchangeOf(stages: string[]): HttpExchange {
  const measure: RequestPermits['measure'] = (stage) => {
    stages.push(stage);
    throw new Error('measured');
  };
  const request = { headers: {}, requestContext: { permits: { measure } } };
  const raw = Object.assign(new EventEmitter(), { req: { socket: { destroyed: false } } });
  return { request, reply: { raw } } as unknown as HttpExchange; // nothing else is read
}

const queries = { definitionsOf: () => Promise.resolve([]) } as Partial<QueryService> as QueryService; // nothing else is called

it.each([
  ['a query', (controller: QueryController, exchange: HttpExchange) => controller.query(target, {}, exchange)],
  ['a list', (controller: QueryController, exchange: HttpExchange) => controller.list(target, {}, exchange)],
])('attributes the time to check %s to the client', async (_, call) => {
  const stages: string[] = [];
  await expect(call(new QueryController(queries), exchangeOf(stages))).rejects.toThrow('measured');
  expect(stages).toEqual(['plan']);
});
