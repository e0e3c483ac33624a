import { isDeepStrictEqual } from 'node:util';
import type { BatchOptions } from '#libs/records';
import { changesAnything, type ModelChange, type ModelRecord, newRecord, patchRecord } from './record.model';

/** Whether the etag in `if_match` is that of a record at this version. */
export type ModelCondition = (id: string, version: number) => boolean;

/** An item in terms of the API. */
export type ModelItem = ModelOperation & {
  ref?: string;
  ifMatch?: ModelCondition;
  /** The id of the record in the response. The database chooses it if the item creates a record. Null: the item failed. */
  newId: string | null;
};

type ModelOperation =
  | ({ kind: 'patch'; id: string } & ModelChange)
  /** Instead of `id`, the one live record with a value. `create`: what to create if there is none. */
  | ({ kind: 'match'; slug: string; value: unknown; create?: ModelChange } & ModelChange)
  | { kind: 'delete'; id: string }
  | { kind: 'restore'; id: string }
  | ({ kind: 'create' } & ModelChange)
  | { kind: 'duplicate'; source: string }
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
  /** @param unique the properties whose values must be unique, of those with a lookup */
  constructor(
    private records: Map<string, ModelRecord>,
    private readonly lookups: readonly string[],
    private readonly unique: readonly string[],
  ) {}

  get current(): ReadonlyMap<string, ModelRecord> {
    return this.records;
  }

  /** The values of the lookups of live records. */
  get lookupValues(): { id: string; slug: string; value: unknown }[] {
    return this.live.flatMap(([id, { properties }]) =>
      this.lookups.filter((slug) => slug in properties).map((slug) => ({ id, slug, value: properties[slug] })),
    );
  }

  /** The values of a property of live records. */
  valuesOf(slug: string): unknown[] {
    return this.live.flatMap(([, { properties }]) => (slug in properties ? [properties[slug]] : []));
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

  private get live(): [string, ModelRecord][] {
    return [...this.records].filter(([, record]) => record.objectType === objectType && !record.deleted);
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

  /** Reports every invalid item and runs none if there is one, otherwise runs them up to a failure. */
  private applyAtomically(items: readonly ModelItem[], options: BatchOptions): ModelOutcome[] {
    if (items.some(({ kind }) => kind === 'invalid')) {
      return items.map((item) => failure(item, item.kind === 'invalid' ? item.code : 'rolled_back'));
    }
    const outcomes: ModelOutcome[] = [];
    let failed = false;
    for (const [place, item] of this.orderOf(items)) {
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

  /**
   * The order of the items of one transaction: that of the request. If no item depends on a value, only which failure is the first
   * depends on the order: then it is that of their ids, and items that create records are last.
   */
  private orderOf(items: readonly ModelItem[]): [number, ModelItem][] {
    const entries = [...items.entries()];
    if (items.some((item) => this.dependsOnValues(item))) return entries;
    const keyOf = (item: ModelItem): string => ('id' in item ? String(item.id) : 'z');
    return entries.sort(([a, one], [b, other]) =>
      keyOf(one) === keyOf(other) ? a - b : keyOf(one) < keyOf(other) ? -1 : 1,
    );
  }

  private dependsOnValues(item: ModelItem): boolean {
    if (item.kind === 'match' || item.kind === 'restore') return true;
    return 'default' in item && this.lookups.some((slug) => slug in (item.default ?? {}));
  }

  private applyItem(item: ModelItem, options: BatchOptions): ModelOutcome {
    switch (item.kind) {
      case 'invalid':
        return failure(item, item.code);
      case 'create':
        return this.create(item, item);
      case 'duplicate':
        return this.duplicate(item);
      case 'match':
        return this.applyMatched(item, options);
      default:
        return this.change(item.id, item, options);
    }
  }

  private applyMatched(item: ModelItem & { kind: 'match' }, options: BatchOptions): ModelOutcome {
    const [found, another] = this.live.filter(([, { properties }]) => properties[item.slug] === item.value);
    if (another !== undefined) return failure(item, 'multiple_matches');
    if (found !== undefined) return this.change(found[0], item, options);
    if (item.create === undefined) return failure(item, 'not_found');
    if (item.ifMatch !== undefined) return failure(item, 'precondition_failed');
    return this.create(item, item.create);
  }

  private create(item: ModelItem, content: ModelChange): ModelOutcome {
    const record = newRecord(objectType, content);
    if (record.properties.name === undefined) return failure(item, 'required_property');
    return this.insert(item, record);
  }

  private duplicate(item: ModelItem & { kind: 'duplicate' }): ModelOutcome {
    const [, source] = this.live.find(([id]) => id === item.source) ?? [];
    if (source === undefined) return failure(item, 'not_found');
    return this.insert(item, { ...structuredClone(source), version: 1 });
  }

  private insert(item: ModelItem, record: ModelRecord): ModelOutcome {
    const id = item.newId ?? `record ${this.records.size}`; // matches no response
    if (this.isTaken(id, record.properties)) return failure(item, 'conflict');
    this.records.set(id, record);
    return success(id, item, 'created', record);
  }

  private change(id: string, item: ModelItem, options: BatchOptions): ModelOutcome {
    const existing = this.records.get(id);
    if (existing?.objectType !== objectType) return failure(item, 'not_found');
    if (existing.deleted && item.kind !== 'restore') return failure(item, 'not_found');
    if (item.ifMatch?.(id, existing.version) === false) return failure(item, 'precondition_failed');
    const changed = structuredClone(existing);
    if (item.kind === 'patch' || item.kind === 'match') {
      if (!changesAnything(item)) return success(id, item, 'unchanged', existing);
      if (!patchRecord(changed, item)) return failure(item, 'invalid_property');
      if (options.skipUnchanged === true && isDeepStrictEqual(changed, existing)) {
        return success(id, item, 'unchanged', existing);
      }
    } else {
      changed.deleted = item.kind === 'delete';
      if (item.kind === 'restore' && !existing.deleted) return success(id, item, 'unchanged', existing);
    }
    if (!changed.deleted && this.isTaken(id, changed.properties)) return failure(item, 'conflict');
    changed.version += 1;
    this.records.set(id, changed);
    const effect = item.kind === 'delete' ? 'deleted' : item.kind === 'restore' ? 'restored' : 'updated';
    return success(id, item, effect, changed);
  }

  /** Whether another live record has one of the values that must be unique. */
  private isTaken(id: string, properties: ModelChange['default'] & {}): boolean {
    return this.live.some(
      ([other, record]) =>
        other !== id &&
        this.unique.some((slug) => properties[slug] !== undefined && record.properties[slug] === properties[slug]),
    );
  }
}

function success(id: string, { ref }: ModelItem, effect: string, record: ModelRecord): ModelOutcome {
  return { id, ref, effect, version: record.version, record: structuredClone(record), replayed: false };
}

function failure(item: ModelItem, code: string): ModelOutcome {
  return { id: 'id' in item ? item.id : null, ref: item.ref, code, replayed: false };
}
