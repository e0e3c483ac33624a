import { invalidField } from '#libs/errors';
import {
  type Expected,
  hasOptions,
  isSlug,
  MAX_NAME_LENGTH,
  MAX_OPTIONS,
  type NewOption,
  type NewProperty,
  type PropertyPatch,
  RESERVED_SLUGS,
  SLUG_RULE,
} from '#libs/properties';
import { checkedEnvelope } from '../http/envelope.check';
import { parseListId } from '../http/list.id';
import { type QueryParameters, rejectUnknownParameters, singleParameter } from '../http/query.check';
import {
  NewOptionEnvelope,
  NewPropertyEnvelope,
  OptionEnvelope,
  OptionPatchEnvelope,
  PropertyPatchEnvelope,
} from './schema.envelopes';

/*
 * The bodies and parameters of requests that change definitions.
 *
 * Each function throws RequestError `invalid_request` that names the wrong fields.
 */

export function newPropertyOf(body: unknown): NewProperty {
  const envelope = checkedEnvelope(NewPropertyEnvelope, body);
  const { slug, type, name, required = false, lookup = 'none', list_id, options = [] } = envelope;
  checkName('.body.name', name);
  checkSlug('.body.slug', slug);
  if (slug !== undefined && RESERVED_SLUGS.has(slug)) {
    throw invalidField('.body.slug', 'reserved', `slug must not be ${slug}, which has a meaning in records or queries`);
  }
  if (options.length > 0 && !hasOptions({ type })) {
    throw invalidField(
      '.body.options',
      'select',
      `only select_str and multiselect_str properties have options, not ${type}`,
    );
  }
  if (options.length > MAX_OPTIONS) {
    throw invalidField('.body.options', 'max_items', `options must hold at most ${MAX_OPTIONS} options`);
  }
  const listId = bodyListId(list_id) ?? null;
  return { slug, type, name, required, lookup, listId, options: options.map(optionOf) };
}

export function propertyPatchOf(body: unknown): { patch: PropertyPatch; expected: Expected } {
  const { name, required, lookup, type, slug, list_id } = checkedEnvelope(PropertyPatchEnvelope, body);
  if (name !== undefined) checkName('.body.name', name);
  return {
    patch: { name, required, lookup },
    expected: { type, slug, listId: bodyListId(list_id) },
  };
}

export function newOptionOf(body: unknown): { option: NewOption; expected: Expected } {
  const { slug, value, sort_index, type, list_id } = checkedEnvelope(NewOptionEnvelope, body);
  checkName('.body.value', value);
  checkSlug('.body.slug', slug);
  return {
    option: { slug, value, position: sort_index ?? undefined },
    expected: { type, listId: bodyListId(list_id) },
  };
}

export function optionPatchOf(body: unknown): { patch: { value?: string; position?: number }; expected: Expected } {
  const { slug, value, sort_index, type, list_id } = checkedEnvelope(OptionPatchEnvelope, body);
  if (value !== undefined) checkName('.body.value', value);
  return {
    patch: { ...(value !== undefined && { value }), ...(typeof sort_index === 'number' && { position: sort_index }) },
    expected: { type, slug, listId: bodyListId(list_id) },
  };
}

/** The parameters of a deletion: clients of the official SDKs repeat type and list. */
export function expectedOf(query: QueryParameters): Expected {
  rejectUnknownParameters(query, ['type', 'list_id']);
  return {
    type: singleParameter(query, 'type'),
    listId: parseListId(singleParameter(query, 'list_id'), '.query.list_id'),
  };
}

function optionOf(element: unknown, index: number): NewOption {
  const path = `.body.options[${index}]`;
  const { slug, value, sort_index } = checkedEnvelope(OptionEnvelope, element, path);
  checkName(`${path}.value`, value);
  checkSlug(`${path}.slug`, slug);
  return { slug, value, position: sort_index ?? undefined };
}

function checkName(field: string, text: string): void {
  const name = field.slice(field.lastIndexOf('.') + 1);
  if (text.trim() === '' || text.length > MAX_NAME_LENGTH) {
    throw invalidField(field, 'length', `${name} must have 1 to ${MAX_NAME_LENGTH} characters, and not only spaces`);
  }
  if (text.includes('\0') || !text.isWellFormed()) {
    throw invalidField(field, 'text', `${name} must be well-formed Unicode without NUL characters`);
  }
}

function checkSlug(field: string, slug: string | undefined): void {
  if (slug !== undefined && !isSlug(slug)) throw invalidField(field, 'slug', `slug ${SLUG_RULE}`);
}

/** Null names the block `default`. */
function bodyListId(given: string | null | undefined): string | null | undefined {
  return given === null ? null : parseListId(given, '.body.list_id');
}
