import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ITEM_ERRORS, itemError, type ItemErrorCode } from '#libs/errors';
import { Engine } from '../support/engine';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine.close());

/** The codes that apply_batch itself reports. All others arrive with their error object. */
const REPORTED_CODES: readonly ItemErrorCode[] = [
  'not_found',
  'multiple_matches',
  'precondition_failed',
  'conflict',
  'required_property',
  'too_large',
  'locked',
  'not_attempted',
  'rolled_back',
  'unavailable',
  'internal',
];

async function errorOf(code: ItemErrorCode, final: boolean): Promise<string | undefined> {
  const [row] = await engine.session.query<{ error: string }>('SELECT item_error($1, $2) AS error', [code, final]);
  return row?.error;
}

describe('the error of an item that fails in the database', () => {
  it.each(REPORTED_CODES)('%s has the text and the retryability of the catalogue', async (code) => {
    expect(await errorOf(code, false)).toBe(JSON.stringify(itemError(code)));
    const [row] = await engine.session.query<{ retryable: boolean }>('SELECT is_retryable($1) AS retryable', [code]);
    expect(row?.retryable).toBe(ITEM_ERRORS[code].retryable);
  });

  it.each(['not_attempted', 'rolled_back'] as const)('%s is not retryable when it is final', async (code) => {
    const error = JSON.parse((await errorOf(code, true)) ?? '') as unknown;
    expect(error).toEqual({
      code,
      message: expect.stringMatching(/send the item in a new one\.$/) as unknown,
      retryable: false,
    });
  });

  it('is tested for every code that a function contains', async () => {
    const [row] = await engine.session.query<{ source: string }>(
      "SELECT string_agg(prosrc, '') AS source FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
    );
    const mentioned = Object.keys(ITEM_ERRORS).filter((code) => row?.source.includes(`'${code}'`));
    // invalid_property: of an operator, with a text of its own, which the tests of increments cover.
    expect(mentioned.toSorted()).toEqual([...REPORTED_CODES, 'invalid_property'].toSorted());
  });
});
