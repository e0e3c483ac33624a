import { type ConnectionPool, ControlDatabase, statement } from '#libs/database';
import { Inject, Injectable } from '@nestjs/common';

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
}

interface TeamRow {
  id: string;
  name: string;
  created_at: Date;
}

const INSERT = statement(__dirname, 'insert_team');
const FIND = statement(__dirname, 'find_team');
const LIST = statement(__dirname, 'list_teams');

/** The rows of `teams`. Throws `DatabaseUnavailable` when Postgres is away. */
@Injectable()
export class TeamRepository {
  constructor(@Inject(ControlDatabase) private readonly database: ConnectionPool) {}

  /** Undefined when the id is taken. */
  async insert(id: string, name: string): Promise<Team | undefined> {
    const { rows } = await this.database.query<TeamRow>(INSERT, [id, name]);
    return rows.map(toTeam)[0];
  }

  async find(id: string): Promise<Team | undefined> {
    const { rows } = await this.database.query<TeamRow>(FIND, [id]);
    return rows.map(toTeam)[0];
  }

  /** All teams, oldest first. */
  async list(): Promise<Team[]> {
    const { rows } = await this.database.query<TeamRow>(LIST);
    return rows.map(toTeam);
  }
}

function toTeam(row: TeamRow): Team {
  return { id: row.id, name: row.name, createdAt: row.created_at };
}
