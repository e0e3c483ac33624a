import { ConnectionPool } from './connection.pool';

/** The pool of the data plane: batches, reads of records by id, retention; without a replica, also list, query and count. */
export class Database extends ConnectionPool {
  readonly plane = 'data';
}

/**
 * The pool of the control plane: API keys, property definitions and readiness. Batches and reads of records never use it, so
 * a gateway authenticates callers and responds to probes even while they occupy every connection of the data plane.
 */
export class ControlDatabase extends ConnectionPool {
  readonly plane = 'control';
}

/** The pool of a replica, which serves list, query and count. */
export class ReadDatabase extends ConnectionPool {
  readonly plane = 'read';
}
