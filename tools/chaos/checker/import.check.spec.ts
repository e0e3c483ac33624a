import { describe, expect, it } from 'vitest';
import type { FinalState, ImportHistory, RowResult, StoredRecord } from '../history';
import { checkImports } from './import.check';

const blank = { version: 1, deleted: false, name: null, notes: null };
const first: StoredRecord = { ...blank, id: 'one', marker: 'a', version: 2, sum: 5 };
const second: StoredRecord = { ...blank, id: 'two', marker: 'b', sum: 4 };

function row(index: number, id: string, created: boolean): RowResult {
  return { input_index: index, id, created, updated: !created, error: null };
}

/** The second and the third row are for one record. */
const imported: ImportHistory = {
  key: 'k',
  rows: [
    { marker: 'b', by: 4 },
    { marker: 'a', by: 2 },
    { marker: 'a', by: 3 },
  ],
  job: { status: 'complete', results: [row(0, 'two', true), row(1, 'one', false), row(2, 'one', true)] },
};

function rulesOf(history: Partial<ImportHistory>, records: StoredRecord[] = [first, second]): string[] {
  const final: FinalState = { records, outcomes: [], settled: [], requests: [] };
  const { job, ...rest } = { ...imported, ...history };
  return checkImports([{ ...rest, ...(job && { job }) }], final).map(({ rule }) => rule);
}

function withResult(index: number, change: Partial<RowResult>): Partial<ImportHistory> {
  const results = (imported.job?.results ?? []).map((result, at) => (at === index ? { ...result, ...change } : result));
  return { job: { status: 'complete', results } };
}

it('finds no violation if each row is applied once', () => {
  expect(rulesOf({})).toEqual([]);
});

describe('finds', () => {
  it('a row that made no record', () => {
    expect(rulesOf({}, [first])).toEqual(['lost']);
  });

  it('a row that made two records', () => {
    expect(rulesOf({}, [first, second, { ...second, id: 'three' }])).toEqual(['duplicated']);
  });

  it('a row that made two records in an import that has not ended', () => {
    const unfinished = { ...imported };
    delete unfinished.job;
    const final: FinalState = {
      records: [second, { ...second, id: 'three' }],
      outcomes: [],
      settled: [],
      requests: [],
    };
    expect(checkImports([unfinished], final).map(({ rule }) => rule)).toEqual(['no-response', 'duplicated']);
  });

  it('a row that was applied twice', () => {
    expect(rulesOf({}, [{ ...first, version: 3, sum: 8 }, second])).toEqual(['duplicated']);
  });

  it('a row that was not applied', () => {
    expect(rulesOf({}, [{ ...first, version: 1, sum: 2 }, second])).toEqual(['lost']);
  });

  it('a row that was applied in place of another one', () => {
    expect(rulesOf({}, [{ ...first, sum: 6 }, second])).toEqual(['duplicated']);
  });

  it('an error of a row', () => {
    const failed = { id: null, created: false, error: { code: 'conflict' } };
    expect(rulesOf(withResult(0, failed))).toEqual(['impossible-outcome', 'impossible-outcome']);
  });

  it('a result with the id of another record', () => {
    expect(rulesOf(withResult(1, { id: 'two' }))).toEqual(['impossible-outcome']);
  });

  it('two results that created one record', () => {
    expect(rulesOf(withResult(1, { created: true, updated: false }))).toEqual(['impossible-outcome']);
  });

  it('a result that is missing, or a job that failed', () => {
    expect(rulesOf({ job: { status: 'complete', results: [row(0, 'two', true)] } })).toContain('impossible-outcome');
    expect(rulesOf({ job: { status: 'failed', results: imported.job?.results ?? [] } })).toEqual([
      'impossible-outcome',
    ]);
  });

  it('a response that the caller must not get', () => {
    expect(rulesOf({ unexpected: '500' })).toEqual(['unexpected-response']);
  });
});
