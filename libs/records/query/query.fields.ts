import { fieldSegment } from '#libs/errors';
import {
  type Comparison,
  comparisonOf,
  isIndexed,
  isMultiValue,
  type LookupKind,
  lookupKindOf,
  type PropertyDefinition,
  suggestSlug,
} from '#libs/properties';
import { invalidQuery } from './query.error';

/** What a condition or a sort key refers to. */
export interface QueryField {
  readonly slug: string;
  /** `id`, `created_at` and `updated_at` are columns of the record; the others are in one of its blocks. */
  readonly source: 'id' | 'created_at' | 'updated_at' | 'default' | 'list';
  readonly comparison: Comparison;
  /** Whether the value is a list, of which conditions compare the elements. */
  readonly multi: boolean;
  /** Undefined for a column that is no property. */
  readonly definition: PropertyDefinition | undefined;
  /** The lookup that finds live records by the value; undefined if there is none, or none that is complete. */
  readonly lookup: FieldLookup | undefined;
}

export interface FieldLookup {
  readonly propertyId: string;
  readonly kind: LookupKind;
}

export const RECORD_ID: QueryField = column('id', 'text');
/** The column, even where a list has a property of this name. */
export const CREATED_AT: QueryField = column('created_at', 'date');

/** The properties that a query can name: those of the object type, and of one list. A property of the list goes first. */
export class QueryFields {
  private readonly fields = new Map<string, QueryField>([['id', RECORD_ID]]);

  /**
   * @param definitions of the object type and its lists
   * @param listId the list that the query is about, in lower case; undefined for none
   */
  constructor(
    definitions: readonly PropertyDefinition[],
    readonly listId: string | undefined,
  ) {
    for (const source of ['list', 'default'] as const) {
      const block = source === 'list' ? (listId ?? '') : null;
      for (const definition of definitions) {
        const { slug, list_id } = definition;
        if (list_id === block && !this.fields.has(slug)) this.fields.set(slug, fieldOf(definition, source));
      }
    }
  }

  /**
   * @param path of the part of the query that names the property
   * @throws RequestError `invalid_request` if the object type and the list have no such property
   */
  get(slug: string, path: string): QueryField {
    const field = this.fields.get(slug);
    if (field !== undefined) return field;
    const suggestion = suggestSlug(slug.slice(0, 64), this.fields.keys());
    const hint = suggestion === undefined ? 'GET .../properties lists them' : `did you mean ${suggestion}?`;
    const where = this.listId === undefined ? 'the object type' : 'the object type and this list';
    throw invalidQuery(path, 'unknown_property', `must name a property of ${where}; ${hint}`);
  }

  /** The slugs without duplicates. @throws RequestError like {@link get} for one that is not known */
  checkSelection(
    slugs: readonly string[] | undefined,
    pathOf: (index: number) => string,
  ): readonly string[] | undefined {
    slugs?.forEach((slug, index) => this.get(slug, pathOf(index)));
    return slugs && [...new Set(slugs)];
  }

  /** The slugs of the properties in the block of the list. */
  get listSlugs(): readonly string[] {
    return [...this.fields.values()].filter(({ source }) => source === 'list').map(({ slug }) => slug);
  }

  /** The source of a slug that {@link get} knows. */
  sourceOf(slug: string): QueryField['source'] | undefined {
    return this.fields.get(slug)?.source;
  }
}

/** The path of a member of a query. */
export function pathBelow(path: string, key: string | number): string {
  return `${path}${fieldSegment(key)}`;
}

function column(source: 'id' | 'created_at', comparison: Comparison): QueryField {
  return { slug: source, source, comparison, multi: false, definition: undefined, lookup: undefined };
}

function fieldOf(definition: PropertyDefinition, block: 'default' | 'list'): QueryField {
  const { id, slug, locked, native } = definition;
  const isTime = native && locked && (slug === 'created_at' || slug === 'updated_at');
  const kind = lookupKindOf(definition);
  return {
    slug,
    source: isTime ? slug : block,
    comparison: comparisonOf(definition),
    multi: isMultiValue(definition),
    definition,
    lookup: kind !== undefined && isIndexed(definition) ? { propertyId: id, kind } : undefined,
  };
}
