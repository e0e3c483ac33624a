import { expect } from 'vitest';
import type { ApiClient, ApiResponse } from '../support/api.client';
import { etagOf } from '../support/etags';
import type { ModelResponse } from './batch.model';
import type { ModelRecord } from './record.model';

/** The outcome of an item in the model. */
type ModelOutcome = ModelResponse['outcomes'][number];

const time: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** Checks the response to a creation of a record, which is not a replay. */
export function expectCreated(
  caller: ApiClient,
  { status, headers, body }: ApiResponse,
  outcome: ModelOutcome | undefined,
): void {
  expect(headers).not.toHaveProperty('idempotent-replay');
  if (outcome?.record === undefined) {
    const expected = outcome?.code === 'not_found' ? [404, 'not_found'] : [409, outcome?.code];
    expect([status, body.error?.code]).toEqual(expected);
    return;
  }
  const { id, record } = outcome;
  expect([status, body]).toEqual([201, contentOf(id, record)]);
  expect(headers).toMatchObject({ etag: etagOf(1), location: caller.path(`organization/${id ?? ''}`) });
}

/** Checks the response to an import within the request, which is not a replay. */
export function expectImported({ status, body, headers }: ApiResponse, results: readonly unknown[]): void {
  const failed = results.filter((result) => (result as { error: unknown }).error !== null).length;
  expect([status, body]).toEqual([
    200,
    {
      ...{ job_id: null, status: 'complete', total: results.length, processed: results.length },
      ...{ succeeded: results.length - failed, failed, created_at: time, updated_at: time, expires_at: time, results },
    },
  ]);
  expect(headers).not.toHaveProperty('idempotent-replay');
}

/** Checks that a response replays the first one. */
export function expectReplay(response: ApiResponse, first: ApiResponse): void {
  const { etag, location } = first.headers;
  expect([response.status, response.text]).toEqual([first.status, first.text]);
  expect([response.headers.etag, response.headers.location]).toEqual([etag, location]);
  expect(response.headers['idempotent-replay']).toBe('true');
}

/** The result of a row in the response to an import. */
export function rowResult({ id, effect, code }: ModelOutcome, input_index: number): unknown {
  if (code !== undefined) {
    const error: unknown = expect.objectContaining({ code, retryable: false });
    return { input_index, id: null, created: false, existing: false, updated: false, error };
  }
  const created = effect === 'created';
  return { input_index, id, created, existing: !created, updated: effect === 'updated', error: null };
}

/** The outcome of an item of a batch. */
export function expectedOutcome(
  { id, ref: name, effect, code, version, record, replayed }: ModelOutcome,
  minimal: boolean,
): unknown {
  const ref = name === undefined ? {} : { ref: name };
  if (code !== undefined) {
    // Every failure of the model is final, and so are the outcomes that it decides.
    const error: unknown = expect.objectContaining({ code, retryable: false });
    return { code, replayed, entry: { id, ...ref, status: 'error', error } };
  }
  const content = contentOf(id, record);
  return {
    code,
    replayed,
    entry: { id, ...ref, status: 'ok', effect, etag: etagOf(version ?? 0), ...(minimal ? {} : { record: content }) },
  };
}

function contentOf(id: string | null, record: ModelRecord | undefined): object {
  const { properties = {}, list = {}, extended = {} } = record ?? {};
  return {
    id,
    default: { ...properties, created_at: time, updated_at: time },
    list,
    ...(Object.keys(extended).length > 0 && { extended }),
  };
}
