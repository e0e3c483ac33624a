import type { Answer, RequestHistory } from './history';
import { elementsOf } from './json.elements';

/** What an answer says about one item. */
export interface ItemAnswer {
  /** `open`: a retry may still change it, so it is no outcome. */
  state: 'applied' | 'failed' | 'open';
  code: string | undefined;
  /** The bytes that must be the same in every answer to this key: the entry without its mark. */
  text: string;
  /** Taken from the ledger, it says. */
  marked: boolean;
  id: string | null;
  version: number | undefined;
  record: AnsweredRecord | undefined;
}

export interface AnsweredRecord {
  id: string;
  default: Record<string, unknown>;
}

/** What an answer means to a careful caller. */
export type Reading =
  /** Every item has its outcome. */
  | { kind: 'settled'; items: ItemAnswer[]; text: string }
  /** Some items have no outcome yet. */
  | { kind: 'partial'; items: ItemAnswer[] }
  /** Nothing is known of any item. */
  | { kind: 'retry' }
  /** No careful caller should ever get this. */
  | { kind: 'unexpected'; why: string };

const mark = ', "replayed": true}';

/** Reads an answer to a request with a key. */
export function readAnswer(request: Pick<RequestHistory, 'operation' | 'items'>, answer: Answer): Reading {
  const retry = retryOf(answer);
  if (retry !== undefined) return retry;
  try {
    return request.operation === 'update' || request.operation === 'delete'
      ? readBatch(request, answer)
      : readSingle(answer);
  } catch (error) {
    return { kind: 'unexpected', why: `${String(error)} in ${answer.status} ${answer.body.slice(0, 500)}` };
  }
}

function retryOf({ status, body }: Answer): Reading | undefined {
  if (status === 503 || status === 429) return { kind: 'retry' };
  if (status === 409 && body.includes('"idempotency_key_in_use"')) return { kind: 'retry' };
  return undefined;
}

function readBatch(request: Pick<RequestHistory, 'items'>, answer: Answer): Reading {
  if (answer.status !== 200) return { kind: 'unexpected', why: `${answer.status} ${answer.body.slice(0, 500)}` };
  const { results } = JSON.parse(answer.body) as { results: RawEntry[] }; // checked below by what is read from it
  const texts = elementsOf(answer.body, answer.body.indexOf('['));
  const items = results.map((entry, index) => readEntry(entry, texts[index] ?? ''));
  if (items.length !== request.items.length) {
    return { kind: 'unexpected', why: `${items.length} results for ${request.items.length} items` };
  }
  if (items.some(({ state }) => state === 'open')) return { kind: 'partial', items };
  return { kind: 'settled', items, text: answer.body.replaceAll(mark, '}') };
}

interface RawEntry {
  id: string | null;
  status: 'ok' | 'error';
  etag?: string;
  record?: AnsweredRecord;
  error?: { code: string; retryable: boolean };
}

function readEntry(entry: RawEntry, text: string): ItemAnswer {
  const marked = text.endsWith(mark);
  const code = entry.status === 'ok' ? undefined : (entry.error?.code ?? 'none');
  return {
    state: code === undefined ? 'applied' : entry.error?.retryable === false ? 'failed' : 'open',
    code,
    text: marked ? `${text.slice(0, -mark.length)}}` : text,
    marked,
    id: entry.id,
    version: versionOf(entry.etag),
    record: entry.record,
  };
}

function readSingle(answer: Answer): Reading {
  const { status, etag, location, body } = answer;
  const text = JSON.stringify([status, etag, location, body]);
  const settled = (item: Pick<ItemAnswer, 'state' | 'code' | 'id' | 'version' | 'record'>): Reading => ({
    kind: 'settled',
    items: [{ ...item, text, marked: false }],
    text,
  });
  const parsed = JSON.parse(body) as AnsweredRecord & { error: { code: string } }; // one or the other, by the status
  if (status === 200 || status === 201) {
    return settled({ state: 'applied', code: undefined, id: parsed.id, version: versionOf(etag), record: parsed });
  }
  const { code } = parsed.error;
  if (code === 'not_found' || code === 'precondition_failed') {
    return settled({ state: 'failed', code, id: null, version: undefined, record: undefined });
  }
  return { kind: 'unexpected', why: `${status} ${body.slice(0, 500)}` };
}

function versionOf(etag: string | undefined): number | undefined {
  return etag === undefined ? undefined : Number(etag.slice(1, -1));
}
