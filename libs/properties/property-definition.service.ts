import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { FreshCache } from '#libs/database';
import type { ItemValidator } from './item.validator';
import type { ObjectType, PropertyDefinition } from './property-definition';
import { PropertyDefinitionRepository } from './property-definition.repository';
import { TeamProperties } from './team.properties';

/** A change of a definition takes effect on every replica within this time; a load that takes longer fails. */
export const DEFINITION_MAX_AGE_MS = 5_000;
const FRESHNESS = { maxAgeMs: DEFINITION_MAX_AGE_MS, refreshAfterMs: 2_500, capacity: 1_000 };

/** The property definitions of teams, and the validators compiled from them. */
@Injectable()
export class PropertyDefinitionService {
  private readonly teams = new FreshCache<TeamProperties>(FRESHNESS);
  /** Shared by all teams without definitions of their own, which are most. */
  private readonly builtInOnly: TeamProperties;

  constructor(
    private readonly repository: PropertyDefinitionRepository,
    private readonly settings: Settings,
  ) {
    this.builtInOnly = new TeamProperties({ definitions: [], options: [] }, settings.unknownProperties);
  }

  /**
   * The definitions of one object type, built-in ones first; at most 5 s old.
   * @throws DatabaseUnavailable
   */
  async definitionsOf(teamId: string, objectType: ObjectType): Promise<readonly PropertyDefinition[]> {
    return (await this.propertiesOf(teamId)).definitionsOf(objectType);
  }

  /**
   * The validator of items of one object type, compiled from definitions that are at most 5 s old.
   * @throws DatabaseUnavailable
   */
  async validatorOf(teamId: string, objectType: ObjectType): Promise<ItemValidator> {
    return (await this.propertiesOf(teamId)).validatorOf(objectType);
  }

  /** Makes a change of this process visible to its next request. Other replicas load it within 5 s. */
  forget(teamId: string): void {
    this.teams.delete(teamId);
  }

  private propertiesOf(teamId: string): TeamProperties | Promise<TeamProperties> {
    return this.teams.get(teamId, (previous) => this.load(teamId, previous));
  }

  private async load(teamId: string, previous: TeamProperties | undefined): Promise<TeamProperties> {
    const rows = await this.repository.findByTeam(teamId, FRESHNESS.maxAgeMs);
    if (previous !== undefined && isDeepStrictEqual(rows, previous.rows)) return previous;
    if (rows.definitions.length === 0 && rows.options.length === 0) return this.builtInOnly;
    return new TeamProperties(rows, this.settings.unknownProperties);
  }
}
