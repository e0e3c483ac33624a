import type { BatchOptions } from '#libs/records';

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
export type ModelItem =
  | { kind: 'patch'; id: string; ifMatch?: string; default?: Block; list?: Record<string, Block>; extended?: Block }
  | { kind: 'delete'; id: string; ifMatch?: string }
  | { kind: 'create'; id: string; default: Block }
  | { kind: 'invalid'; id: string | null; code: string };

export interface ModelOutcome {
  id: string | null;
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
    const outcomes = atomic ? this.applyAtomically(items) : this.applyEach(items, options, known);
    const failed = outcomes.some(({ code }) => code !== undefined);
    if ((atomic && failed) || options.dryRun) this.records = before;
    // Every failure of the model is final, so every outcome is.
    if (ledger) for (const [place, outcome] of outcomes.entries()) ledger.set(place, outcome);
    const state = known.size === items.length ? 'replayed' : known.size > 0 ? 'resumed' : 'executed';
    return { state, outcomes };
  }

  private applyEach(items: readonly ModelItem[], options: BatchOptions, known: ModelLedger): ModelOutcome[] {
    const outcomes: ModelOutcome[] = [];
    for (const [place, item] of items.entries()) {
      const settled = known.get(place);
      const stopped = options.onError === 'stop' && outcomes.some(({ code }) => code !== undefined);
      if (settled) outcomes.push({ ...settled, replayed: true });
      else outcomes.push(stopped ? failure(item, 'not_attempted') : this.applyItem(item));
    }
    return outcomes;
  }

  /** Reports every invalid item and runs none if there is one, otherwise runs them in the order of their ids up to a failure. */
  private applyAtomically(items: readonly ModelItem[]): ModelOutcome[] {
    if (items.some(({ kind }) => kind === 'invalid')) {
      return items.map((item) => failure(item, item.kind === 'invalid' ? item.code : 'rolled_back'));
    }
    const outcomes: ModelOutcome[] = [];
    const order = [...items.entries()].sort(([a, { id: one }], [b, { id: other }]) =>
      one === other ? a - b : String(one) < String(other) ? -1 : 1,
    );
    let failed = false;
    for (const [place, item] of order) {
      if (failed) break;
      const outcome = this.applyItem(item);
      outcomes[place] = outcome;
      failed = outcome.code !== undefined;
    }
    return items.map((item, place) => {
      const outcome = outcomes[place];
      return outcome === undefined || (failed && outcome.code === undefined) ? failure(item, 'rolled_back') : outcome;
    });
  }

  private applyItem(item: ModelItem): ModelOutcome {
    if (item.kind === 'invalid') return failure(item, item.code);
    const existing = this.records.get(item.id);
    if (item.kind === 'create') {
      if (existing) return failure(item, 'conflict');
      const created = { objectType, properties: item.default, list: {}, extended: {}, version: 1, deleted: false };
      this.records.set(item.id, created);
      return success(item.id, created);
    }

    if (existing?.objectType !== objectType || existing.deleted) return failure(item, 'not_found');
    if (item.ifMatch !== undefined && item.ifMatch !== '*' && item.ifMatch !== String(existing.version)) {
      return failure(item, 'precondition_failed');
    }
    if (item.kind === 'patch' && !changesAnything(item)) return success(item.id, existing);

    const changed = structuredClone(existing);
    changed.version += 1;
    if (item.kind === 'delete') changed.deleted = true;
    else patch(changed, item);
    this.records.set(item.id, changed);
    return success(item.id, changed);
  }
}

function patch(record: ModelRecord, change: ModelItem & { kind: 'patch' }): void {
  patchBlock(record.properties, change.default ?? {});
  // Opaque: nothing in it is an operator or a set.
  const extended = Object.entries({ ...record.extended, ...change.extended });
  record.extended = Object.fromEntries(extended.filter(([, value]) => value !== null));
  for (const [listId, block] of Object.entries(change.list ?? {})) {
    if (Object.keys(block).length > 0) patchBlock((record.list[listId] ??= {}), block);
  }
}

function patchBlock(block: Block, change: Block): void {
  for (const [slug, value] of Object.entries(change)) {
    // The slugs come from the arbitraries.
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    if (value === null) delete block[slug];
    else if (isOperator(value)) block[slug] = operate(block[slug], value);
    else block[slug] = Array.isArray(value) ? [...new Set(value)] : value;
  }
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

function success(id: string, record: ModelRecord): ModelOutcome {
  return { id, version: record.version, record: structuredClone(record), replayed: false };
}

function failure({ id }: { id: string | null }, code: string): ModelOutcome {
  return { id, code, replayed: false };
}
