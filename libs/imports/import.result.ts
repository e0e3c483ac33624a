import type { ItemError } from '#libs/errors';
import { type Outcome, parseEntry } from '#libs/records';
import type { RowCounts } from './import.job';

/** What became of one row. */
interface RowResult {
  /** Its place in the import, from 0. */
  readonly input_index: number;
  /** The id of its record; null if the row failed. With `outcome_unknown`: the id that its record has if it was created. */
  readonly id: string | null;
  readonly created: boolean;
  readonly existing: boolean;
  readonly updated: boolean;
  readonly error: ItemError | null;
}

/** The results of rows, and how many have which outcome. */
export interface RowResults extends RowCounts {
  /** Elements of a JSON array. */
  readonly json: string;
}

/** @param first the place of the first of these rows in the import */
export function rowResults(outcomes: readonly Outcome[], first: number): RowResults {
  const results = outcomes.map(({ entry }, i) => rowResult(entry, first + i));
  const failed = results.filter(({ error }) => error !== null).length;
  return {
    json: results.map((result) => JSON.stringify(result)).join(','),
    succeeded: results.length - failed,
    failed,
  };
}

function rowResult(text: string, input_index: number): RowResult {
  const entry = parseEntry(text);
  if (entry.status === 'ok') {
    return { input_index, id: entry.id, created: true, existing: false, updated: false, error: null };
  }
  const { error, id } = entry;
  const known = error.code === 'outcome_unknown' ? id : null;
  return { input_index, id: known, created: false, existing: false, updated: false, error };
}
