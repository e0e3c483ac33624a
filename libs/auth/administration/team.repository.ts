import type { Database } from '#libs/database';
import { statement } from '../statement';

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

const INSERT = statement('insert-team', __dirname);
const FIND = statement('find-team', __dirname);
const LIST = statement('list-teams', __dirname);

/** The rows of `teams`. Throws `DatabaseUnavailable` if Postgres cannot be reached. */
export class TeamRepository {
  constructor(private readonly database: Database) {}

  /** Undefined if a team with this id exists. */
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
