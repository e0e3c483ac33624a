import { type ConnectionPool, statement } from '#libs/database';
import type { Rates } from '#libs/limits';
import { type LimitColumns, ratesOf } from '../limit.columns';

/** An application that calls the API. It owns API keys and is the scope of an Idempotency-Key and of rate limits. */
export interface Client {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  /** The rate limits that are set for it. */
  readonly limits: Rates;
}

interface ClientRow extends LimitColumns {
  id: string;
  name: string;
  created_at: Date;
}

const INSERT = statement(__dirname, 'insert_client');
const FIND = statement(__dirname, 'find_client');
const LIST = statement(__dirname, 'list_clients');
const SET_LIMITS = statement(__dirname, 'set_client_limits');
const CLEAR_LIMITS = statement(__dirname, 'clear_client_limits');

/** Reads and writes `clients` and `client_limits`. Throws `DatabaseUnavailable` if Postgres cannot be reached. */
export class ClientRepository {
  constructor(private readonly database: ConnectionPool) {}

  /** Returns undefined if the team has a client with this name. */
  async insert(teamId: string, id: string, name: string): Promise<Client | undefined> {
    const { rows } = await this.database.query<ClientRow>(INSERT, [teamId, id, name]);
    return rows.map(toClient)[0];
  }

  async find(teamId: string, name: string): Promise<Client | undefined> {
    const { rows } = await this.database.query<ClientRow>(FIND, [teamId, name]);
    return rows.map(toClient)[0];
  }

  /** The team's clients, by name. */
  async list(teamId: string): Promise<Client[]> {
    const { rows } = await this.database.query<ClientRow>(LIST, [teamId]);
    return rows.map(toClient);
  }

  /** Sets the given rate limits and does not change the others. */
  async setLimits(teamId: string, id: string, limits: Rates): Promise<void> {
    await this.database.query(SET_LIMITS, [teamId, id, ...limitValues(limits)]);
  }

  /** Removes the client's rate limits: the gateways' defaults apply. */
  async clearLimits(teamId: string, id: string): Promise<void> {
    await this.database.query(CLEAR_LIMITS, [teamId, id]);
  }
}

/** The rate limit parameters of `set_client_limits.sql`, in their order. */
function limitValues({ items, requests, bytes }: Rates): (number | null)[] {
  return [items, requests, bytes].flatMap((rate) => [rate?.perSecond ?? null, rate?.burst ?? null]);
}

function toClient(row: ClientRow): Client {
  return { id: row.id, name: row.name, createdAt: row.created_at, limits: ratesOf(row) };
}
