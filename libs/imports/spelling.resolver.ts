import { Inject, Injectable } from '@nestjs/common';
import { type CheckoutOptions, Database, statement } from '#libs/database';
import { itemError } from '#libs/errors';
import { isObject } from '#libs/json';
import type { ObjectType } from '#libs/properties';
import { type Match, type PlanItem, planReject } from '#libs/records';
import type { ImportItem } from './import.plan';

const FIND_SPELLINGS = statement(__dirname, 'find_spellings');
const FIND_IMPORT_SPELLINGS = statement(__dirname, 'find_import_spellings');

/** By value: up to two spellings of it in records. They equal the value, without regard to case. */
export type Spellings = ReadonlyMap<string, readonly string[]>;

interface SpellingRow {
  value: string;
  spellings: string[];
}

/** Finds the records whose value differs from that of an item in case only: lookups compare exactly. */
@Injectable()
export class SpellingResolver {
  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Gives each item that ignores case the spelling of the record that it matches. Records with different spellings are multiple
   * matches. A record that is created with another spelling between this call and the transaction of the item is not seen.
   *
   * @throws DatabaseUnavailable
   */
  async resolve(
    target: { teamId: string; objectType: ObjectType },
    items: readonly ImportItem[],
    options: CheckoutOptions,
  ): Promise<PlanItem[]> {
    const matches = items.flatMap((item) => foldedMatchOf(item) ?? []);
    const [first] = matches;
    if (first === undefined) return [...items];
    const values = [...new Set(matches.map(({ value }) => value))];
    const { rows } = await this.database.query<SpellingRow>(
      FIND_SPELLINGS,
      [target.teamId, target.objectType, first.slug, values],
      { ...options, teamId: target.teamId, isReadOnly: true },
    );
    return withSpellings(items, spellingsOf(rows));
  }

  /**
   * The spellings of all values that the unfinished rows of a job look for. What is written later is not seen.
   *
   * @throws DatabaseUnavailable
   */
  async ofJob({ teamId, id }: { teamId: string; id: string }, options: CheckoutOptions): Promise<Spellings> {
    const { rows } = await this.database.query<SpellingRow>(FIND_IMPORT_SPELLINGS, [teamId, id], {
      ...options,
      teamId,
      isReadOnly: true,
    });
    return spellingsOf(rows);
  }
}

/** What an item looks for without regard to case; undefined if it does not. */
export function foldedMatchOf(item: ImportItem): Match | undefined {
  return item.fold === true && 'match' in item ? item.match : undefined;
}

/**
 * The items, each with the spelling of its record. A new record gets that spelling as well: if the record is deleted meanwhile, the
 * next item finds the new one.
 */
export function withSpellings(items: readonly ImportItem[], spellings: Spellings): PlanItem[] {
  return items.map((item) => {
    const match = foldedMatchOf(item);
    const [value, other] = (match && spellings.get(String(match.value))) ?? [];
    if (match === undefined || value === undefined) return item;
    if (other !== undefined) return planReject(item.id, itemError('multiple_matches'));
    const create = 'create' in item ? item.create : undefined;
    const properties = isObject(create?.properties) ? { ...create.properties, [match.slug]: value } : {};
    return { ...item, match: { ...match, value }, ...(create && { create: { ...create, properties } }) };
  });
}

function spellingsOf(rows: readonly SpellingRow[]): Spellings {
  return new Map(rows.map(({ value, spellings }) => [value, spellings]));
}
