import { Client } from 'pg';

/* A gateway that does not see the warning that a commit's wait for the standby was interrupted. */
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the `this` that its replacement is called with
const { emit } = Client.prototype;

Client.prototype.emit = function (this: Client, event, ...values: unknown[]) {
  return event === 'notice' ? false : emit.call(this, event, ...values);
};
