import { Inject, Injectable } from '@nestjs/common';
import { type ConnectionPool, ControlDatabase, statement } from '#libs/database';
import type { Lookup, LookupState, PropertyOption } from './property-definition';
import type { TeamUsage } from './team.usage';

/** A row of `property_definitions`. A newer release may have written it, so types are plain text. */
export interface DefinitionRow {
  readonly object_type: string;
  readonly id: string;
  readonly slug: string;
  readonly type: string;
  readonly name: string;
  readonly required: boolean;
  readonly native: boolean;
  readonly locked: boolean;
  readonly list_id: string | null;
  readonly lookup: Lookup;
  readonly lookup_state: LookupState;
}

export interface OptionRow extends PropertyOption {
  /** A definition of the team, or a built-in one to which the team added the option. */
  readonly property_id: string;
}

/** The rows of a team: definitions oldest first, options in their order. */
export interface TeamRows {
  readonly definitions: readonly DefinitionRow[];
  readonly options: readonly OptionRow[];
}

/** Rows that were read from the database. */
export interface StoredTeamRows extends TeamRows {
  /** Two reads with the same checksum have the same rows. */
  readonly checksum: string;
  readonly usage: TeamUsage;
}

/** The rows as JSON texts; both are null if the checksum is the one that was asked for. */
export interface TeamRowsText {
  readonly checksum: string;
  readonly definitions: string | null;
  readonly options: string | null;
}

export const FIND_TEAM_PROPERTIES = statement(__dirname, 'find_team_properties');

/** Reads `property_definitions` and `property_options`. */
@Injectable()
export class PropertyDefinitionRepository {
  constructor(@Inject(ControlDatabase) private readonly database: ConnectionPool) {}

  /**
   * @param known the checksum of rows that the caller has
   * @returns undefined if these are still the rows
   * @throws DatabaseUnavailable, including after `timeoutMs`
   */
  async findByTeam(teamId: string, timeoutMs: number, known?: string): Promise<StoredTeamRows | undefined> {
    const values = [teamId, known ?? null];
    const { rows } = await this.database.query<TeamRowsText>(FIND_TEAM_PROPERTIES, values, { timeoutMs });
    return teamRowsOf(rows[0]);
  }
}

/** Parses the rows, which takes some milliseconds if they are many. @returns undefined if there are none to parse */
export function teamRowsOf(text: TeamRowsText | undefined): StoredTeamRows | undefined {
  if (text?.definitions == null || text.options === null) return undefined;
  const definitions = JSON.parse(text.definitions) as DefinitionRow[]; // built by find_team_properties
  const options = JSON.parse(text.options) as OptionRow[];
  const bytes = Buffer.byteLength(text.definitions) + Buffer.byteLength(text.options);
  const usage = { properties: definitions.length, options: options.length, bytes };
  return { checksum: text.checksum, definitions, options, usage };
}
