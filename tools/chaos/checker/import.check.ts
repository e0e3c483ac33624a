import type { FinalState, ImportHistory, ImportRow, RowResult, StoredRecord } from '../history';
import type { Violation } from './violation';

/** Checks that each row of an import is applied once: in the results of its job, and in the records. */
export function checkImports(imports: readonly ImportHistory[], final: FinalState): Violation[] {
  const records = new Map<string | null, StoredRecord[]>();
  for (const record of final.records) records.set(record.marker, [...(records.get(record.marker) ?? []), record]);
  return imports.flatMap((each) => [...checkJob(each), ...checkRecords(each, records)]);
}

/** The job ends, and each row has a result without an error. */
function checkJob({ key, rows, job, unexpected }: ImportHistory): Violation[] {
  if (unexpected !== undefined) return [{ rule: 'unexpected-response', message: unexpected, key }];
  if (job === undefined) return [{ rule: 'no-response', message: 'the import has not ended', key }];
  const wrong = (message: string, item?: number): Violation => ({
    ...{ rule: 'impossible-outcome', message, key },
    ...(item !== undefined && { item }),
  });
  const { status, results } = job;
  if (status !== 'complete' || results.length !== rows.length) {
    return [wrong(`the job is ${status} with ${results.length} results of ${rows.length} rows`)];
  }
  return results.flatMap((result, index) =>
    result.input_index === index && result.error === null && result.created !== result.updated
      ? []
      : [wrong(`unexpected result of a row: ${JSON.stringify(result)}`, index + 1)],
  );
}

/** The rows of a marker are for one record. The first one that is applied creates it, each other one changes it once. */
function checkRecords(
  { key, rows, job }: ImportHistory,
  records: ReadonlyMap<string | null, readonly StoredRecord[]>,
): Violation[] {
  const places = new Map<string, number[]>();
  for (const [index, { marker }] of rows.entries()) places.set(marker, [...(places.get(marker) ?? []), index]);
  return [...places].flatMap(([marker, indexes]): Violation[] => {
    const made = records.get(marker) ?? [];
    const [record] = made;
    const about = { key, item: (indexes[0] ?? 0) + 1, ...(record && { record: record.id }) };
    if (made.length > 1) {
      return [{ rule: 'duplicated', message: `made the records ${made.map(({ id }) => id).join(' and ')}`, ...about }];
    }
    if (job === undefined) return [];
    if (record === undefined) return [{ rule: 'lost', message: 'made no record', ...about }];
    return checkRecord(record, indexes, rows, job.results).map((violation) => ({ ...violation, ...about }));
  });
}

function checkRecord(
  { id, version, sum }: StoredRecord,
  indexes: readonly number[],
  rows: readonly ImportRow[],
  results: readonly RowResult[],
): Violation[] {
  const times = indexes.length;
  const expected = indexes.reduce((total, index) => total + (rows[index]?.by ?? 0), 0);
  if (version !== times || sum !== expected) {
    const message = `is at version ${version} with the sum ${sum}, its rows make version ${times} with the sum ${expected}`;
    return [{ rule: version < times ? 'lost' : 'duplicated', message }];
  }
  const reported = indexes.map((index) => results[index]);
  const created = reported.filter((result) => result?.created === true).length;
  if (created === 1 && reported.every((result) => result?.id === id)) return [];
  return [{ rule: 'impossible-outcome', message: `the results of its rows differ: ${JSON.stringify(reported)}` }];
}
