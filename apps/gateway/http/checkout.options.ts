import type { CheckoutOptions } from '#libs/database';
import type { RequestContext } from './request.context';

/** How the database executes a read of a request: within its deadline, and with its log and trace. */
export function checkoutOptionsOf({ deadline, log }: RequestContext): CheckoutOptions {
  return { timeoutMs: deadline.msLeft('commit'), meter: log, span: log.span };
}
