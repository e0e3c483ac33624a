import type { BatchModel, ModelItem } from './batch.model';
import { listIds } from './batch.arbitraries';
import type { Block, ModelChange } from './record.model';
import type { ImportDraft, ImportOptions, RowDraft } from './scenario.arbitraries';

interface Option {
  slug: string;
  value: string;
}

/** The options of the select properties of one team, by property: its slug, after the list and a dot if it is of a list. */
export type ModelOptions = Map<string, Option[]>;

const stages = ['Lead', 'Qualified', 'Proposal', 'Won', 'Lost'];

export function initialOptions(): ModelOptions {
  return new Map([
    ['stage', stages.map((value) => ({ slug: value.toLowerCase(), value }))],
    ['colors', []],
    ...listIds.map((listId): [string, Option[]] => [`${listId}.phase`, []]),
  ]);
}

/** Of the properties of a list. */
const listSlugs = ['score', 'labels', 'phase'];
const caseSensitiveSlugs = ['rank'];
/** Those with a lookup that rows can be deduplicated by. */
const dedupeSlugs = ['primary_domain', 'external_id', 'rank'];

/** A model of the import of rows: what each row does, in terms of items of a batch. */
export class ImportModel {
  private readonly options: ImportOptions;
  private readonly created: ModelOptions;
  /** By the value in lower case, the first spelling of it in rows. */
  private readonly spellings = new Map<string, string>();

  constructor(
    private readonly draft: Pick<ImportDraft, 'objects' | 'options'>,
    private readonly records: BatchModel,
    known: ModelOptions,
  ) {
    this.options = draft.options ?? {};
    this.created = structuredClone(known);
  }

  /** Whether nothing is done: the options are invalid. */
  get isInvalid(): boolean {
    const { dedupe_by: slug, update_existing: update } = this.options;
    return slug === undefined ? update === true : !dedupeSlugs.includes(slug);
  }

  /** @returns an item for each row, and the options of the team with those that rows create */
  plan(): { items: ModelItem[]; options: ModelOptions } {
    // All rows are planned before the first one is applied.
    const items = this.draft.objects.map((row) => ({ ...this.planRow(row), newId: null }));
    return { items: items.map((item) => this.inSpellingOfRecord(item)), options: this.created };
  }

  private planRow(draft: RowDraft): ModelItem {
    const { code } = draft;
    if (code !== undefined) return invalid(code);
    const row = this.place(structuredClone(draft.row));
    const value = this.dedupeValue(row);
    const isNew = value === undefined;
    const missesName = row.default?.name === undefined;
    const isOtherwiseValid = !(isNew && missesName) && Object.keys(row.default ?? {}).every((slug) => !isOfList(slug));
    if (this.options.create_missing_options === true && isOtherwiseValid && !this.createOptions(row)) {
      return invalid('unknown_option');
    }
    const unknown = this.resolveOptions(row);
    if (unknown.some((property) => !property.includes('.'))) return invalid('unknown_option');
    if (Object.keys(row.default ?? {}).some(isOfList)) return invalid('unknown_property');
    if (isNew && missesName) return invalid('required_property');
    if (unknown.length > 0) return invalid('unknown_option');
    if (isNew) return { kind: 'create', ...row, newId: null };
    return this.matched(row, value);
  }

  /** Moves properties of the list of the import from `default` to the block of that list, which prevails. */
  private place(row: ModelChange): ModelChange {
    const { list_id: listId } = this.options;
    const moved = Object.entries(row.default ?? {}).filter(([slug]) => isOfList(slug));
    if (listId === undefined || moved.length === 0) return row;
    const rest = Object.entries(row.default ?? {}).filter(([slug]) => !isOfList(slug));
    const block = { ...Object.fromEntries(moved), ...row.list?.[listId] };
    return { ...row, default: Object.fromEntries(rest), list: { ...row.list, [listId]: block } };
  }

  /** The value by which the row finds its record, in the first spelling of the rows. */
  private dedupeValue(row: ModelChange): string | number | undefined {
    const slug = this.options.dedupe_by;
    const value = slug === undefined ? undefined : row.default?.[slug];
    if (typeof value === 'number') return value;
    if (typeof value !== 'string') return undefined;
    if (!this.ignoresCase) return value;
    const folded = value.toLowerCase();
    if (!this.spellings.has(folded)) this.spellings.set(folded, value);
    return this.spellings.get(folded);
  }

  private get ignoresCase(): boolean {
    const { dedupe_by: slug = '', caseInsensitive } = this.options;
    return caseInsensitive !== false && !caseSensitiveSlugs.includes(slug);
  }

  private matched(row: ModelChange, value: string | number): ModelItem {
    const { dedupe_by: slug = '', update_existing: update } = this.options;
    const create = { ...row, default: { ...row.default, [slug]: value } };
    // A record keeps its spelling.
    const rest = Object.entries(row.default ?? {}).filter(([other]) => other !== slug || !this.ignoresCase);
    const patch = update === true ? { ...row, default: Object.fromEntries(rest) } : {};
    return { kind: 'match', slug, value, ...patch, create, newId: null };
  }

  private inSpellingOfRecord(item: ModelItem): ModelItem {
    if (item.kind !== 'match' || !this.ignoresCase) return item;
    const { slug, value, create } = item;
    const spellings = this.records.valuesOf(slug).filter((other) => isFolded(other, value));
    const [spelling = value, another] = new Set(spellings);
    if (another !== undefined) return invalid('multiple_matches');
    return { ...item, value: spelling, create: { ...create, default: { ...create?.default, [slug]: spelling } } };
  }

  /** Creates the options that a row names. @returns false, after creating none, if one of them cannot be created */
  private createOptions(row: ModelChange): boolean {
    const before = structuredClone([...this.created]);
    let possible = true;
    for (const [property, block, slug] of this.selectsOf(row)) {
      const value = block[slug];
      const isAppended = isOperator(value) && value._op === 'append';
      const texts = isAppended ? value.values : isOperator(value) ? [] : [value].flat();
      for (const text of texts) possible = this.createOption(property, String(text)) && possible;
      const resolved = (text: unknown): unknown => this.find(property, String(text)) ?? text;
      if (isAppended) block[slug] = { ...value, values: value.values.map(resolved) };
      else if (Array.isArray(value)) block[slug] = value.map(resolved);
      else if (!isOperator(value)) block[slug] = resolved(value);
    }
    if (!possible) for (const [property, options] of before) this.created.set(property, options);
    return possible;
  }

  /** @returns whether the text is an option, or has become one */
  private createOption(property: string, text: string): boolean {
    if (this.find(property, text) !== undefined) return true;
    const value = text.trim();
    const plain = value.toLowerCase().replaceAll('é', 'e');
    const base = plain.replaceAll(/[ -]/g, '_').replaceAll(/[^a-z_]/g, '');
    if (base === '') return false;
    const options = this.created.get(property) ?? [];
    let slug = base;
    for (let n = 2; options.some((option) => option.slug === slug); n += 1) slug = `${base}_${n}`;
    options.push({ slug, value });
    return true;
  }

  /** The slug of the option with this slug or display name. */
  private find(property: string, text: string): string | undefined {
    const lower = text.trim().toLowerCase();
    const options = this.created.get(property) ?? [];
    const found =
      options.find(({ slug }) => slug === lower) ?? options.find(({ value }) => value.toLowerCase() === lower);
    return found?.slug;
  }

  /** Replaces the texts of select properties by slugs. @returns the properties with a text that is no option */
  private resolveOptions(row: ModelChange): string[] {
    const unknown: string[] = [];
    for (const [property, block, slug] of this.selectsOf(row)) {
      const slugs = (this.created.get(property) ?? []).map((option) => option.slug);
      const resolve = (text: unknown): unknown => {
        const lower = String(text).toLowerCase();
        if (!slugs.includes(lower)) unknown.push(property);
        return lower;
      };
      const value = block[slug];
      if (isOperator(value)) block[slug] = { ...value, values: value.values.map(resolve) };
      else block[slug] = Array.isArray(value) ? value.map(resolve) : resolve(value);
    }
    return unknown;
  }

  /** The select properties of a row: property, block and slug. */
  private selectsOf(row: ModelChange): [string, Block, string][] {
    const blocks: [string, Block][] = [
      ['', row.default ?? {}],
      ...Object.entries(row.list ?? {}).map(([listId, block]): [string, Block] => [`${listId}.`, block]),
    ];
    return blocks.flatMap(([list, block]) =>
      Object.keys(block)
        .filter((slug) => this.created.has(list + slug))
        .map((slug): [string, Block, string] => [list + slug, block, slug]),
    );
  }
}

function invalid(code: string): ModelItem {
  return { kind: 'invalid', id: null, code, newId: null };
}

function isOfList(slug: string): boolean {
  return listSlugs.includes(slug);
}

function isFolded(one: unknown, other: unknown): boolean {
  return String(one).toLowerCase() === String(other).toLowerCase();
}

function isOperator(value: unknown): value is { _op: string; values: unknown[] } {
  return typeof value === 'object' && value !== null && '_op' in value;
}
