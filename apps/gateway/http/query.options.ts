import type { QueryOptions } from '#libs/records';
import type { HttpExchange } from './exchange.decorator';
import { canceledByDisconnect } from './write.handler';

/** How the query of a request is executed. If the client disconnects, the statement is canceled. */
export function queryOptions({ request, reply }: HttpExchange): QueryOptions {
  const { deadline, log } = request.requestContext;
  return { deadline, cancellation: canceledByDisconnect(reply), meter: log, span: log.span };
}
