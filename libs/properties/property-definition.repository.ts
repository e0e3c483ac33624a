import { Inject, Injectable } from '@nestjs/common';
import { type ConnectionPool, ControlDatabase, statement } from '#libs/database';
import type { Lookup, LookupState, PropertyOption } from './property-definition';

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

export const FIND_TEAM_PROPERTIES = statement(__dirname, 'find_team_properties');

/** Reads `property_definitions` and `property_options`. */
@Injectable()
export class PropertyDefinitionRepository {
  constructor(@Inject(ControlDatabase) private readonly database: ConnectionPool) {}

  /** @throws DatabaseUnavailable, also after `timeoutMs` */
  async findByTeam(teamId: string, timeoutMs: number): Promise<TeamRows> {
    const { rows } = await this.database.query<TeamRows>(FIND_TEAM_PROPERTIES, [teamId], { timeoutMs });
    return rows[0] ?? { definitions: [], options: [] };
  }
}
