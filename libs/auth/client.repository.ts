import { type ConnectionPool, ControlDatabase, statement } from '#libs/database';
import type { Rates } from '#libs/limits';
import { Inject, Injectable } from '@nestjs/common';
import { type LimitColumns, limitValues, ratesOf } from './limit.columns';

/** A calling application: owns API keys, and is the scope of an Idempotency-Key and of rate limits. */
export interface Client {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  /** The rate limits configured for it. */
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

/** The rows of `clients`. Throws `DatabaseUnavailable` when Postgres cannot be reached. */
@Injectable()
export class ClientRepository {
  constructor(@Inject(ControlDatabase) private readonly database: ConnectionPool) {}

  /** Undefined if the team already has a client of this name. */
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

  /** Sets the given rate limits; the others keep their values. */
  async setLimits(teamId: string, id: string, limits: Rates): Promise<void> {
    await this.database.query(SET_LIMITS, [teamId, id, ...limitValues(limits)]);
  }

  /** Removes the rate limits of the client: the defaults of the gateways apply. */
  async clearLimits(teamId: string, id: string): Promise<void> {
    await this.database.query(CLEAR_LIMITS, [teamId, id]);
  }
}

function toClient(row: ClientRow): Client {
  return { id: row.id, name: row.name, createdAt: row.created_at, limits: ratesOf(row) };
}
