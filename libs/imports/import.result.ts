import type { ItemError } from '#libs/errors';
import { type Outcome, parseEntry } from '#libs/records';
import type { RowCounts } from './import.job';

/** What became of one row. */
interface RowResult {
  /** Its place in the import, from 0. */
  readonly input_index: number;
  /** The id of its record; null if the row failed. With `outcome_unknown`: the id that its record has if it was created. */
  readonly id: string | null;
  /** It is a new record. */
  readonly created: boolean;
  /** It matched a record. */
  readonly existing: boolean;
  /** The record that it matched was updated. */
  readonly updated: boolean;
  readonly error: ItemError | null;
}

/** The results of rows, and how many have which outcome. */
export interface RowResults extends RowCounts {
  /** Elements of a JSON array. */
  readonly json: string;
  /** Of `succeeded`: new records, and records that were updated. */
  readonly created: number;
  readonly updated: number;
}

/** @param first the place of the first of these rows in the import */
export function rowResults(outcomes: readonly Outcome[], first: number): RowResults {
  const results = outcomes.map(({ entry }, i) => rowResult(entry, first + i));
  const count = (has: (result: RowResult) => boolean): number => results.filter(has).length;
  const failed = count(({ error }) => error !== null);
  return {
    json: results.map((result) => JSON.stringify(result)).join(','),
    succeeded: results.length - failed,
    failed,
    created: count(({ created }) => created),
    updated: count(({ updated }) => updated),
  };
}

function rowResult(text: string, input_index: number): RowResult {
  const entry = parseEntry(text);
  if (entry.status === 'ok') {
    const { id, effect } = entry;
    const created = effect === 'created';
    return { input_index, id, created, existing: !created, updated: effect === 'updated', error: null };
  }
  const { error, id } = entry;
  const known = error.code === 'outcome_unknown' ? id : null;
  return { input_index, id: known, created: false, existing: false, updated: false, error };
}
