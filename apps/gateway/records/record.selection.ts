import { commaSeparated, invalidParameter, type QueryParameters, rejectUnknownParameters } from '../http/query.check';

/**
 * The slugs that `?select=a,b` (which can be repeated) asks for; undefined for all.
 *
 * @throws RequestError `invalid_request` for another parameter or an empty selection
 */
export function selectionOf(query: QueryParameters): ReadonlySet<string> | undefined {
  rejectUnknownParameters(query, ['select']);
  if (query.select === undefined) return undefined;
  const slugs = commaSeparated(query.select);
  if (slugs.includes('')) {
    throw invalidParameter('select', 'required', 'select must be a comma-separated list of property slugs');
  }
  return new Set(slugs);
}

/** The record with only the selected properties; `extended` is no property, so it is left out. */
export function selectFrom(json: string, selection: ReadonlySet<string>): string {
  const record = JSON.parse(json) as { id: string; default: Properties; list: Record<string, Properties> }; // ours
  const list = Object.entries(record.list).map(([id, properties]) => [id, pick(properties, selection)] as const);
  return JSON.stringify({ id: record.id, default: pick(record.default, selection), list: Object.fromEntries(list) });
}

/** @throws RequestError `invalid_request` for a slug that is not defined */
export function checkSelection(selection: ReadonlySet<string>, defined: ReadonlySet<string>): void {
  const unknown = [...selection].find((slug) => !defined.has(slug));
  if (unknown !== undefined) {
    throw invalidParameter('select', 'unknown_property', `the object type has no property ${unknown.slice(0, 64)}`);
  }
}

type Properties = Record<string, unknown>;

function pick(properties: Properties, selection: ReadonlySet<string>): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([slug]) => selection.has(slug)));
}
