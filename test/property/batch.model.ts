import { isDeepStrictEqual } from 'node:util';
import type { BatchOptions } from '#libs/records';
import { exactSum } from './exact.sum';

type Block = Record<string, unknown>;

export interface ModelRecord {
  objectType: string;
  properties: Block;
  list: Record<string, Block>;
  extended: Block;
  version: number;
  deleted: boolean;
}

/** An item in terms of the API. `ifMatch` is the version that the etag names, or `*`. */
export type ModelItem = ModelOperation & { ref?: string };

type ModelOperation =
  | { kind: 'patch'; id: string; ifMatch?: string; default?: Block; list?: Record<string, Block>; extended?: Block }
  | { kind: 'delete'; id: string; ifMatch?: string }
  | { kind: 'restore'; id: string; ifMatch?: string }
  /** `id`: of the record in the response; null if none is made. */
  | { kind: 'create'; id: string | null; default: Block }
  | { kind: 'invalid'; id: string | null; code: string };

export interface ModelOutcome {
  id: string | null;
  ref?: string | undefined;
  /** Undefined: failed. */
  effect?: string;
  /** Undefined: applied. */
  code?: string;
  version?: number;
  record?: ModelRecord;
  replayed: boolean;
}

export interface ModelResponse {
  state: 'executed' | 'resumed' | 'replayed';
  outcomes: ModelOutcome[];
}

/** The stored outcomes of a key by index of the item. */
export type ModelLedger = Map<number, ModelOutcome>;

const objectType = 'organization';

/** A model of the records of one team and of the effect of batches: no locks, no SQL, one batch at a time. */
export class BatchModel {
  constructor(private records: Map<string, ModelRecord>) {}

  get current(): ReadonlyMap<string, ModelRecord> {
    return this.records;
  }

  apply(items: readonly ModelItem[], options: BatchOptions, ledger?: ModelLedger): ModelResponse {
    const known = new Map(ledger);
    const before = structuredClone(this.records);
    const atomic = options.onError === 'rollback' && known.size === 0;
    const outcomes = atomic ? this.applyAtomically(items, options) : this.applyEach(items, options, known);
    const failed = outcomes.some(({ code }) => code !== undefined);
    if ((atomic && failed) || options.dryRun) this.records = before;
    // Every failure of the model is final, so every outcome is.
    if (ledger) for (const [place, outcome] of outcomes.entries()) ledger.set(place, outcome);
    const state = known.size === items.length ? 'replayed' : known.size > 0 ? 'resumed' : 'executed';
    return { state, outcomes };
  }

  private applyEach(items: readonly ModelItem[], options: BatchOptions, known: ModelLedger): ModelOutcome[] {
    const outcomes: ModelOutcome[] = [];
    const limit = options.onError === 'stop' ? 1 : (options.maxFailures ?? Infinity);
    for (const [place, item] of items.entries()) {
      const settled = known.get(place);
      const stopped = outcomes.filter(({ code }) => code !== undefined).length >= limit;
      if (settled) outcomes.push({ ...settled, replayed: true });
      else outcomes.push(stopped ? failure(item, 'not_attempted') : this.applyItem(item, options));
    }
    return outcomes;
  }

  /**
   * Reports every invalid item and runs none if there is one, otherwise runs them in the order of their ids up to a failure; items
   * that create records last.
   */
  private applyAtomically(items: readonly ModelItem[], options: BatchOptions): ModelOutcome[] {
    if (items.some(({ kind }) => kind === 'invalid')) {
      return items.map((item) => failure(item, item.kind === 'invalid' ? item.code : 'rolled_back'));
    }
    const outcomes: ModelOutcome[] = [];
    const keyOf = (item: ModelItem): string => (item.kind === 'create' ? 'z' : String(item.id));
    const order = [...items.entries()].sort(([a, one], [b, other]) =>
      keyOf(one) === keyOf(other) ? a - b : keyOf(one) < keyOf(other) ? -1 : 1,
    );
    let failed = false;
    for (const [place, item] of order) {
      if (failed) break;
      const outcome = this.applyItem(item, options);
      outcomes[place] = outcome;
      failed = outcome.code !== undefined;
    }
    return items.map((item, place) => {
      const outcome = outcomes[place];
      return outcome === undefined || (failed && outcome.code === undefined) ? failure(item, 'rolled_back') : outcome;
    });
  }

  private applyItem(item: ModelItem, options: BatchOptions): ModelOutcome {
    if (item.kind === 'invalid') return failure(item, item.code);
    if (item.kind === 'create') {
      const created = { objectType, properties: item.default, list: {}, extended: {}, version: 1, deleted: false };
      const id = item.id ?? 'none'; // matches no response
      this.records.set(id, created);
      return success(id, item, 'created', created);
    }

    const existing = this.records.get(item.id);
    if (existing?.objectType !== objectType) return failure(item, 'not_found');
    if (existing.deleted && item.kind !== 'restore') return failure(item, 'not_found');
    if (item.ifMatch !== undefined && item.ifMatch !== '*' && item.ifMatch !== String(existing.version)) {
      return failure(item, 'precondition_failed');
    }
    if (item.kind === 'patch' && !changesAnything(item)) return success(item.id, item, 'unchanged', existing);
    if (item.kind === 'restore' && !existing.deleted) return success(item.id, item, 'unchanged', existing);

    const changed = structuredClone(existing);
    if (item.kind === 'patch') {
      if (!patch(changed, item)) return failure(item, 'invalid_property');
      if (options.skipUnchanged === true && isDeepStrictEqual(changed, existing)) {
        return success(item.id, item, 'unchanged', existing);
      }
    } else changed.deleted = item.kind === 'delete';
    changed.version += 1;
    this.records.set(item.id, changed);
    return success(item.id, item, EFFECTS[item.kind], changed);
  }
}

const EFFECTS = { patch: 'updated', delete: 'deleted', restore: 'restored' } as const;

/** @returns whether the change is possible: no sum of an increment is rounded */
function patch(record: ModelRecord, change: ModelItem & { kind: 'patch' }): boolean {
  let possible = patchBlock(record.properties, change.default ?? {});
  // Opaque: nothing in it is an operator or a set.
  const extended = Object.entries({ ...record.extended, ...change.extended });
  record.extended = Object.fromEntries(extended.filter(([, value]) => value !== null));
  for (const [listId, block] of Object.entries(change.list ?? {})) {
    if (Object.keys(block).length > 0) possible = patchBlock((record.list[listId] ??= {}), block) && possible;
  }
  return possible;
}

function patchBlock(block: Block, change: Block): boolean {
  let possible = true;
  for (const [slug, value] of Object.entries(change)) {
    // The slugs come from the arbitraries.
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    if (value === null) delete block[slug];
    else if (isIncrement(value)) {
      const sum = exactSum(Number(block[slug] ?? 0), value.by);
      if (sum === undefined) possible = false;
      else block[slug] = sum;
    } else if (isOperator(value)) block[slug] = operate(block[slug], value);
    else block[slug] = Array.isArray(value) ? [...new Set(value)] : value;
  }
  return possible;
}

function isIncrement(value: unknown): value is { _op: 'increment'; by: number } {
  return typeof value === 'object' && value !== null && '_op' in value && value._op === 'increment';
}

interface Operator {
  _op: 'append' | 'remove';
  values: unknown[];
}

function isOperator(value: unknown): value is Operator {
  return typeof value === 'object' && value !== null && '_op' in value;
}

function operate(current: unknown, { _op, values }: Operator): unknown[] {
  const elements: unknown[] = Array.isArray(current) ? current : [];
  return _op === 'append'
    ? [...new Set([...elements, ...values])]
    : elements.filter((element) => !values.includes(element));
}

function changesAnything({
  default: properties = {},
  list = {},
  extended = {},
}: ModelItem & { kind: 'patch' }): boolean {
  return [properties, extended, ...Object.values(list)].some((block) => Object.keys(block).length > 0);
}

function success(id: string, { ref }: ModelItem, effect: string, record: ModelRecord): ModelOutcome {
  return { id, ref, effect, version: record.version, record: structuredClone(record), replayed: false };
}

function failure(item: ModelItem, code: string): ModelOutcome {
  return { id: item.kind === 'create' ? null : item.id, ref: item.ref, code, replayed: false };
}
