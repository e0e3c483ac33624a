import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { FreshCache } from '#libs/cache';
import type { ItemValidator } from './item.validator';
import type { ObjectType, PropertyDefinition } from './property-definition';
import { PropertyDefinitionRepository } from './property-definition.repository';
import { TeamProperties } from './team.properties';
import type { TeamUsage } from './team.usage';

/** A change of a definition takes effect on every replica within this time; a load that takes longer fails. */
export const DEFINITION_MAX_AGE_MS = 5_000;
const FRESHNESS = { maxAgeMs: DEFINITION_MAX_AGE_MS, refreshAfterMs: 2_500, capacity: 1_000 };
/** The maximum size of all cached definitions as JSON, in bytes. On the heap they take up to 1.5 times as much. */
const MAX_CACHED_BYTES = 24 * 2 ** 20;

/** The definitions of a team as of one read. */
interface CachedTeam {
  readonly checksum: string;
  readonly usage: TeamUsage;
  readonly properties: TeamProperties;
}

/** The property definitions of teams, and the validators compiled from them. */
@Injectable()
export class PropertyDefinitionService {
  private readonly teams = new FreshCache<CachedTeam>({
    ...FRESHNESS,
    size: { max: MAX_CACHED_BYTES, of: ({ usage }) => usage.bytes },
  });
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
    return (await this.team(teamId)).properties.definitionsOf(objectType);
  }

  /**
   * The validator of items of one object type, compiled from definitions that are at most 5 s old.
   * @throws DatabaseUnavailable
   */
  async validatorOf(teamId: string, objectType: ObjectType): Promise<ItemValidator> {
    return (await this.team(teamId)).properties.validatorOf(objectType);
  }

  /**
   * How much the team has defined; at most 5 s old.
   * @throws DatabaseUnavailable
   */
  async usageOf(teamId: string): Promise<TeamUsage> {
    return (await this.team(teamId)).usage;
  }

  /** Makes a change of this process visible to its next request. Other replicas load it within 5 s. */
  forget(teamId: string): void {
    this.teams.delete(teamId);
  }

  private team(teamId: string): CachedTeam | Promise<CachedTeam> {
    return this.teams.get(teamId, (previous) => this.load(teamId, previous));
  }

  /** Postgres compares the rows with the previous ones, so that unchanged ones are neither sent nor parsed. */
  private async load(teamId: string, previous: CachedTeam | undefined): Promise<CachedTeam> {
    const rows = await this.repository.findByTeam(teamId, FRESHNESS.maxAgeMs, previous?.checksum);
    if (rows === undefined) return unchanged(previous);
    const { checksum, usage } = rows;
    const isEmpty = usage.properties === 0 && usage.options === 0;
    const properties = isEmpty ? this.builtInOnly : new TeamProperties(rows, this.settings.unknownProperties);
    return { checksum, usage, properties };
  }
}

function unchanged(previous: CachedTeam | undefined): CachedTeam {
  if (previous === undefined) throw new Error('the definitions of the team were not read');
  return previous;
}
