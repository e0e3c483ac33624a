import { ControlDatabase, type Database } from '#libs/database';
import { Inject, Injectable } from '@nestjs/common';
import { statement } from './statement';

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

const INSERT = statement('insert-team');
const FIND = statement('find-team');
const LIST = statement('list-teams');

/** The rows of `teams`. Throws `DatabaseUnavailable` when Postgres is away. */
@Injectable()
export class TeamRepository {
  constructor(@Inject(ControlDatabase) private readonly database: Database) {}

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
