import { isDeepStrictEqual } from 'node:util';

import { Injectable } from '@nestjs/common';

import { Settings } from '#libs/config';

import { FreshCache } from './fresh.cache';
import { ItemValidator } from './item.validator';
import { ObjectType } from './object-type.constants';
import { PropertyDefinition } from './property-definition.interface';
import { PropertyDefinitionRepository } from './property-definition.repository';
import { TeamProperties } from './team.properties';

/** A change of a definition takes effect on every replica within `maxAgeMs`. A load that takes longer is worth nothing. */
const FRESHNESS = { maxAgeMs: 5_000, refreshAfterMs: 2_500, capacity: 1_000 };

/** Which properties a team's records have, and the checking of values against them. */
@Injectable()
export class PropertyDefinitionService {
  private readonly teams: FreshCache<TeamProperties>;
  /** Shared by all teams that defined nothing themselves, which are most. */
  private readonly builtInOnly: TeamProperties;

  constructor(
    private readonly repository: PropertyDefinitionRepository,
    private readonly settings: Settings,
  ) {
    this.builtInOnly = new TeamProperties({ definitions: [], options: [] }, settings.unknownProperties);
    this.teams = new FreshCache((teamId, before) => this.load(teamId, before), FRESHNESS);
  }

  /**
   * The definitions of one object type, built-in ones first; at most 5 s old.
   * @throws DatabaseUnavailable
   */
  async definitionsOf(teamId: string, objectType: ObjectType): Promise<readonly PropertyDefinition[]> {
    return (await this.teams.get(teamId)).definitionsOf(objectType);
  }

  /**
   * What checks items of one object type, by definitions that are at most 5 s old.
   * @throws DatabaseUnavailable
   */
  async validatorOf(teamId: string, objectType: ObjectType): Promise<ItemValidator> {
    return (await this.teams.get(teamId)).validatorOf(objectType);
  }

  private async load(teamId: string, before: TeamProperties | undefined): Promise<TeamProperties> {
    const rows = await this.repository.ofTeam(teamId, FRESHNESS.maxAgeMs);
    if (before !== undefined && isDeepStrictEqual(rows, before.rows)) return before;
    if (rows.definitions.length === 0 && rows.options.length === 0) return this.builtInOnly;
    return new TeamProperties(rows, this.settings.unknownProperties);
  }
}
