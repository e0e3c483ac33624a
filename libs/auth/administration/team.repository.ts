import { type ConnectionPool, statement } from '#libs/database';

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

/** Reads and writes `teams`. Throws `DatabaseUnavailable` if Postgres cannot be reached. */
export class TeamRepository {
  constructor(private readonly database: ConnectionPool) {}

  /** Returns undefined if a team with this id exists. */
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
