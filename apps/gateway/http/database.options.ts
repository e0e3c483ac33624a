import type { CheckoutOptions } from '#libs/database';
import type { QueryOptions } from '#libs/records';
import type { HttpExchange } from './exchange.decorator';
import { canceledByDisconnect } from './write.handler';

/** How the database executes a read of a request: within its deadline, and with its log and trace. */
export function checkoutOptionsOf({ request }: Pick<HttpExchange, 'request'>): CheckoutOptions {
  const { deadline, log } = request.requestContext;
  return { timeoutMs: deadline.msLeft('commit'), meter: log, span: log.span };
}

/** How the database executes a query of a request. If the client disconnects, the statement is canceled. */
export function queryOptionsOf({ request, reply }: HttpExchange): QueryOptions {
  const { deadline, log } = request.requestContext;
  return { deadline, cancellation: canceledByDisconnect(reply), meter: log, span: log.span };
}
