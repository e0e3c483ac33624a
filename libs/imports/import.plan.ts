import { v7 as uuidv7 } from 'uuid';
import { type ItemError, itemError } from '#libs/errors';
import { isObject } from '#libs/json';
import {
  type Change,
  hasOptions,
  type MissingOptions,
  type Operand,
  operandOf,
  type PropertyDefinition,
  type RequestValidator,
  type Validation,
} from '#libs/properties';
import { malformedError, type Match, matchOf, planCreate, type PlanItem, planUpsert, planReject } from '#libs/records';
import type { ListPlacement } from './list.placement';
import { MAX_ROWS } from './import.job';

const ROW_MEMBERS: ReadonlySet<string> = new Set(['default', 'list', 'extended']);

/** The largest result of a row whose error has no details, in bytes. */
const RESULT_BYTES = 1_024;
/** The largest error of such a result, in bytes. The rest of a result takes 150. */
const MAX_ERROR_BYTES = 768;

/** The maximum number of rows of an import whose results fit into a response of this size. */
export function maxRowsOf(responseLimitBytes: number): number {
  return Math.max(1, Math.min(MAX_ROWS, Math.floor(responseLimitBytes / RESULT_BYTES)));
}

const NO_CHANGE: Change = { set: null, clear: null, ops: null, list: null, extended: null };

/** An item of an import. `fold`: its value matches texts without regard to case, and a new record gets the value in this spelling. */
export type ImportItem = PlanItem & { fold?: true };

/** How an import treats its rows. */
export interface ImportOptions {
  /** The property by whose value a row finds its live record. `fold`: without regard to case. */
  readonly dedupe?: { readonly definition: PropertyDefinition; readonly fold: boolean } | undefined;
  /** Whether the row then updates the record. */
  readonly updateExisting: boolean;
  /** Where properties of a list go that a row has in `default`. */
  readonly list?: ListPlacement | undefined;
  /** Plans the options that rows name and that do not exist; undefined: these rows fail. */
  readonly missing?: MissingOptions | undefined;
}

interface ImportLimits {
  /** `ITEM_LIMIT_BYTES`. */
  readonly itemLimitBytes: number;
  /** The size of the request body. No row is larger. */
  readonly bodyBytes: number;
  /** `RESPONSE_LIMIT_BYTES`. */
  readonly responseLimitBytes: number;
}

/**
 * Plans the rows of an import. A row becomes a new record, whose id is the same in every attempt; or an item for the record that has
 * its value; or an item error. Errors keep their details (`errors`) as long as the results of the whole import fit into one response.
 */
export class ImportPlanner {
  private detailBytes: number;
  /** By value in lower case, the spelling of the first row with it: all these rows look for that spelling, so that they become one record. */
  private readonly spellings = new Map<string, string>();

  constructor(
    private readonly validator: RequestValidator,
    private readonly options: ImportOptions,
    private readonly limits: ImportLimits,
    rows: number,
  ) {
    this.detailBytes = limits.responseLimitBytes - rows * RESULT_BYTES;
  }

  plan(given: unknown): ImportItem {
    const error = this.rowErrorOf(given);
    if (error !== undefined) return planReject(null, this.shorten(error));
    const blocks = given as Record<string, unknown>; // rowErrorOf has checked it
    const placed = this.options.list?.place(blocks) ?? blocks;
    const { dedupe, missing } = this.options;
    const resolved = missing?.resolve(placed, this.purposeOf(placed)) ?? { row: placed };
    if ('error' in resolved) {
      this.matchOfRow(placed); // a row that fails counts for the spelling of its value
      return this.rejected({ code: 'unknown_option', errors: [resolved.error] });
    }
    const { row } = resolved;
    const validator = missing?.validator ?? this.validator;
    const match = this.matchOfRow(row);
    if (match === undefined) {
      const create = validator.create(row);
      return 'change' in create ? planCreate(uuidv7(), create.change) : this.rejected(create);
    }
    const fold = dedupe?.fold === true && match.kind === 'text';
    const create = validator.create(fold ? withProperty(row, match.slug, match.value) : row);
    const patch = validator.patch(fold ? withProperty(row, match.slug, undefined) : row);
    if ('errors' in patch) return this.rejected(patch);
    const change = this.options.updateExisting ? patch.change : NO_CHANGE;
    const item = planUpsert(uuidv7(), match, {
      ...{ patch: { change }, create, ifMatch: undefined, mustExist: false },
      shorten: (error) => this.shorten(error),
    });
    return fold ? { ...item, fold } : item;
  }

  /** How to validate a row: without a valid value to look for, it is a new record. Its options are not resolved yet: any text can be one. */
  private purposeOf(row: { default?: unknown }): 'create' | 'patch' {
    const definition = this.options.dedupe?.definition;
    if (definition === undefined) return 'create';
    const lenient = hasOptions(definition) ? { ...definition, type: 'str' as const } : definition;
    return valueOf(row, lenient) === undefined ? 'create' : 'patch';
  }

  /** What to look for; undefined for a row without a valid value. */
  private matchOfRow(row: { default?: unknown }): Match | undefined {
    const { dedupe, missing } = this.options;
    if (dedupe === undefined) return undefined;
    const { fold } = dedupe;
    const definition = missing?.definitions.find(({ id }) => id === dedupe.definition.id) ?? dedupe.definition;
    const value = valueOf(row, definition);
    if (value === undefined) return undefined;
    return matchOf(definition, fold && typeof value === 'string' ? this.spellingOf(value) : value);
  }

  private spellingOf(value: string): string {
    const folded = value.toLowerCase();
    const known = this.spellings.get(folded);
    if (known === undefined) this.spellings.set(folded, value);
    return known ?? value;
  }

  private rejected({ code, errors }: Extract<Validation, { errors: unknown }>): PlanItem {
    return planReject(null, this.shorten(itemError(code, errors[0]?.message, errors)));
  }

  private rowErrorOf(row: unknown): ItemError | undefined {
    if (!isObject(row)) return itemError('invalid_item', 'A row must be an object with default, list or both.');
    if (Object.keys(row).length === 0) {
      return itemError('invalid_item', 'A row takes at least one of default, list, extended.');
    }
    return malformedError('row', row, ROW_MEMBERS, this.limits);
  }

  private shorten(error: ItemError): ItemError {
    const bytes = jsonBytes(error);
    if (bytes <= this.detailBytes) {
      this.detailBytes -= bytes;
      return error;
    }
    const short = itemError(error.code, error.message);
    return jsonBytes(short) <= MAX_ERROR_BYTES ? short : itemError(error.code);
  }
}

/** The value of a property in `default` of a row; undefined if it has none, or an invalid one. */
function valueOf({ default: block }: { default?: unknown }, definition: PropertyDefinition): Operand | undefined {
  if (!isObject(block)) return undefined;
  const checked = operandOf(definition, block[definition.slug]);
  return 'operand' in checked ? checked.operand : undefined;
}

/**
 * The row with another value of a property in `default`. Rows that ignore case have the spelling of the first one in a new record, and
 * no spelling in a patch: otherwise the record would have another spelling than the next row looks for.
 */
function withProperty(row: object & { default?: unknown }, slug: string, value: Operand | undefined): object {
  const block = row.default as Record<string, unknown>; // it has a value
  const others = Object.fromEntries(Object.entries(block).filter(([name]) => name !== slug));
  return { ...row, default: value === undefined ? others : { ...others, [slug]: value } };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
