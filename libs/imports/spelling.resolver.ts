import { Inject, Injectable } from '@nestjs/common';
import { type CheckoutOptions, Database, statement } from '#libs/database';
import { itemError } from '#libs/errors';
import type { ObjectType } from '#libs/properties';
import { type PlanItem, reject } from '#libs/records';
import type { ImportItem } from './import.plan';

const FIND_SPELLINGS = statement(__dirname, 'find_spellings');

/** Finds the records whose value differs from that of an item in case only: lookups compare exactly. */
@Injectable()
export class SpellingResolver {
  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Lets each item that ignores case look for the value as the record spells it. Records with two spellings are several matches.
   * Who creates a record with another spelling between this and the item's transaction is not seen.
   *
   * @throws DatabaseUnavailable
   */
  async resolve(
    target: { teamId: string; objectType: ObjectType },
    items: readonly ImportItem[],
    options: CheckoutOptions,
  ): Promise<PlanItem[]> {
    const folded = items.map((item) => (item.fold === true && 'match' in item ? item.match : undefined));
    const slug = folded.find((match) => match !== undefined)?.slug;
    const values = [...new Set(folded.flatMap((match) => (match === undefined ? [] : [match.value])))];
    if (slug === undefined) return [...items];
    const { rows } = await this.database.query<{ value: string; spellings: string[] }>(
      FIND_SPELLINGS,
      [target.teamId, target.objectType, slug, values],
      { ...options, isReadOnly: true },
    );
    const spellings = new Map(rows.map((row) => [row.value, row.spellings]));
    return items.map((item, i) => {
      const match = folded[i];
      const [value, other] = (match && spellings.get(String(match.value))) ?? [];
      if (match === undefined || value === undefined) return item;
      return other === undefined
        ? { ...item, match: { ...match, value } }
        : reject(item.id, itemError('multiple_matches'));
    });
  }
}
