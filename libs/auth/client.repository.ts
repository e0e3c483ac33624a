import { Database } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { statement } from './statement';

/** A calling application: the owner of API keys, and the scope of an Idempotency-Key. */
export interface Client {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
}

interface ClientRow {
  id: string;
  name: string;
  created_at: Date;
}

const INSERT = statement('insert-client');
const FIND = statement('find-client');
const LIST = statement('list-clients');

/** The rows of `clients`. Throws `DatabaseUnavailable` when Postgres is away. */
@Injectable()
export class ClientRepository {
  constructor(private readonly database: Database) {}

  /** Undefined when the team has a client of this name. */
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
}

function toClient(row: ClientRow): Client {
  return { id: row.id, name: row.name, createdAt: row.created_at };
}
