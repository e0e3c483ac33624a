import type { ReceivedResponse, RequestHistory } from './history';
import { elementsOf } from './json.elements';

/** The result of one item in a response. */
export interface ItemResult {
  /** `open`: a retryable error, which is not an outcome. */
  state: 'applied' | 'failed' | 'open';
  code: string | undefined;
  /** The entry without its `replayed` mark: the same bytes in every response to the key. */
  text: string;
  /** Whether it has a `replayed` mark. */
  marked: boolean;
  id: string | null;
  /**
   * Of an item that an interrupted attempt applied, the version when the retry read the record: later than the change, or
   * undefined if the record was deleted since.
   */
  version: number | undefined;
  etag: string | undefined;
  record: ResponseRecord | undefined;
  /** Of an applied item. */
  effect: string | undefined;
}

export interface ResponseRecord {
  id: string;
  default: Record<string, unknown>;
}

/** What a caller concludes from a response. */
export type ParsedResponse =
  /** Every item has an outcome. */
  | { kind: 'settled'; items: ItemResult[]; text: string }
  /** Some items have no outcome yet. */
  | { kind: 'partial'; items: ItemResult[] }
  /** The response contains no results: send the request again. */
  | { kind: 'retry' }
  /** A caller that retries correctly must never get this response. */
  | { kind: 'unexpected'; why: string };

const mark = ', "replayed": true}';

/** Whether a request is a batch, not a single write. */
export function isBatch({ operation }: Pick<RequestHistory, 'operation'>): boolean {
  return operation === 'update' || operation === 'delete' || operation === 'batch';
}

/** Reads the response to a request with a key. */
export function readResponse(
  request: Pick<RequestHistory, 'operation' | 'items'>,
  response: ReceivedResponse,
): ParsedResponse {
  const retry = retryOf(response);
  if (retry !== undefined) return retry;
  try {
    return isBatch(request) ? readBatch(request, response) : readSingle(response);
  } catch (error) {
    return { kind: 'unexpected', why: `${String(error)} in ${response.status} ${response.body.slice(0, 500)}` };
  }
}

function retryOf({ status, body }: ReceivedResponse): ParsedResponse | undefined {
  if (status === 503 || status === 429) return { kind: 'retry' };
  if (status === 409 && body.includes('"idempotency_key_in_use"')) return { kind: 'retry' };
  return undefined;
}

function readBatch(request: Pick<RequestHistory, 'items'>, response: ReceivedResponse): ParsedResponse {
  if (response.status !== 200) return { kind: 'unexpected', why: `${response.status} ${response.body.slice(0, 500)}` };
  const { results } = JSON.parse(response.body) as { results: RawEntry[] }; // a body of another shape throws, which `readResponse` reports
  const texts = elementsOf(response.body, response.body.indexOf('['));
  const items = results.map((entry, index) => readEntry(entry, texts[index] ?? ''));
  if (items.length !== request.items.length) {
    return { kind: 'unexpected', why: `${items.length} results for ${request.items.length} items` };
  }
  if (items.some(({ state }) => state === 'open')) return { kind: 'partial', items };
  return { kind: 'settled', items, text: response.body.replaceAll(mark, '}') };
}

interface RawEntry {
  id: string | null;
  status: 'ok' | 'error';
  effect?: string;
  etag?: string;
  record?: ResponseRecord;
  error?: { code: string; retryable: boolean };
}

function readEntry(entry: RawEntry, text: string): ItemResult {
  const marked = text.endsWith(mark);
  const code = entry.status === 'ok' ? undefined : (entry.error?.code ?? 'none');
  return {
    state: code === undefined ? 'applied' : entry.error?.retryable === false ? 'failed' : 'open',
    code,
    text: marked ? `${text.slice(0, -mark.length)}}` : text,
    marked,
    id: entry.id,
    version: versionOf(entry.etag),
    etag: entry.etag,
    record: entry.record,
    effect: entry.effect,
  };
}

function readSingle(response: ReceivedResponse): ParsedResponse {
  const { status, etag, location, body } = response;
  const text = JSON.stringify([status, etag, location, body]);
  const settled = (item: Omit<ItemResult, 'text' | 'marked'>): ParsedResponse => ({
    kind: 'settled',
    items: [{ ...item, text, marked: false }],
    text,
  });
  const parsed = JSON.parse(body) as ResponseRecord & { error: { code: string } }; // the status tells which of the two
  if (status === 200 || status === 201) {
    return settled({
      state: 'applied',
      code: undefined,
      id: parsed.id,
      version: versionOf(etag),
      etag,
      record: parsed,
      effect: status === 201 ? 'created' : 'updated',
    });
  }
  const { code } = parsed.error;
  if (code === 'not_found' || code === 'precondition_failed') {
    const nothing = { version: undefined, etag: undefined, record: undefined, effect: undefined };
    return settled({ state: 'failed', code, id: null, ...nothing });
  }
  return { kind: 'unexpected', why: `${status} ${body.slice(0, 500)}` };
}

/** The version in an etag of the gateway, `"<version>-<time>"`. */
export function versionOf(etag: string | undefined): number | undefined {
  if (etag === undefined) return undefined;
  const [, version] = /^"(\d+)-[0-9a-f]+"$/.exec(etag) ?? [];
  if (version === undefined) throw new Error(`${etag} is no etag`);
  return Number(version);
}
