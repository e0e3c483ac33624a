import { isExactNumber, parseUuid } from '#libs/json';
import {
  comparisonOf,
  hasOptions,
  isReference,
  type PropertyDefinition,
  type PropertyOption,
} from './property-definition';
import { isDate, listOptions } from './property.rule';

/** A value that a filter compares with: dates and references as text, options as their slug. */
export type Operand = string | number | boolean;

/** What is wrong with the value of a filter; `rule` is the end of an error message. */
interface InvalidOperand {
  readonly code: 'invalid_property' | 'unknown_option';
  readonly rule: string;
}

/** Longer texts match no property in practice, and each record is compared with them. */
const MAX_TEXT_LENGTH = 8_192;

/**
 * The operand of a comparison of whole values, or of elements of a multi-value property. Query strings have text only, so
 * numbers and booleans can be text.
 */
export function operandOf(definition: PropertyDefinition, value: unknown): { operand: Operand } | InvalidOperand {
  switch (comparisonOf(definition)) {
    case 'number':
      return numberOf(value);
    case 'boolean':
      return booleanOf(value);
    case 'date':
      return typeof value === 'string' && isDate(value)
        ? { operand: value }
        : invalid('must be an existing date, as 2026-02-28 or as RFC 3339 date-time 2026-02-28T09:30:00Z');
    case 'json':
      return typeof value === 'string' ? textOperandOf(value) : scalarOf(value);
    case 'text':
      return elementOf(definition, value);
  }
}

/** The operand of a comparison with a part of a text. */
export function textOperandOf(value: unknown): { operand: string } | InvalidOperand {
  if (typeof value !== 'string') return invalid('must be a string');
  if (value.length > MAX_TEXT_LENGTH) return invalid(`must have at most ${MAX_TEXT_LENGTH} characters`);
  if (value.includes('\0')) return invalid('must not contain NUL characters (U+0000)');
  return value.isWellFormed()
    ? { operand: value }
    : invalid('must be well-formed Unicode: it contains a lone surrogate');
}

/** The slugs of the options of a property, and the slug by id in lower case. */
interface OptionIndex {
  /** The length of the array that was indexed. */
  readonly count: number;
  readonly slugs: ReadonlySet<string>;
  readonly byId: ReadonlyMap<string, string>;
}

/** One per property, as long as its definition is in use: a filter can name thousands of options. */
const optionIndexes = new WeakMap<readonly PropertyOption[], OptionIndex>();

/** The slug of the option with this slug or id; undefined if there is none. */
export function optionSlugOf(options: readonly PropertyOption[], value: string): string | undefined {
  const { slugs, byId } = optionIndexOf(options);
  return slugs.has(value) ? value : byId.get(value.toLowerCase());
}

function optionIndexOf(options: readonly PropertyOption[]): OptionIndex {
  let index = optionIndexes.get(options);
  // An option can be added to the array later.
  if (index?.count !== options.length) {
    const byId = new Map(options.map(({ id, slug }) => [id.toLowerCase(), slug]));
    index = { count: options.length, slugs: new Set(options.map(({ slug }) => slug)), byId };
    optionIndexes.set(options, index);
  }
  return index;
}

function elementOf(definition: PropertyDefinition, value: unknown): { operand: Operand } | InvalidOperand {
  if (hasOptions(definition)) {
    const { options } = definition;
    const slug = typeof value === 'string' ? optionSlugOf(options, value) : undefined;
    return slug === undefined ? unknownOption(options) : { operand: slug };
  }
  if (isReference(definition)) {
    const id = parseUuid(value);
    return id === undefined ? invalid('must be a record id (UUID)') : { operand: id };
  }
  return textOperandOf(value);
}

function numberOf(value: unknown): { operand: number } | InvalidOperand {
  const number = typeof value === 'string' && isExactNumber(value) === true ? Number(value) : value;
  if (typeof number === 'number' && Math.abs(number) <= Number.MAX_SAFE_INTEGER) return { operand: number };
  return invalid('must be a number that a double represents exactly, within ±(2^53 − 1)');
}

function booleanOf(value: unknown): { operand: boolean } | InvalidOperand {
  if (typeof value === 'boolean') return { operand: value };
  return value === 'true' || value === 'false' ? { operand: value === 'true' } : invalid('must be true or false');
}

function scalarOf(value: unknown): { operand: Operand } | InvalidOperand {
  if (typeof value === 'boolean') return { operand: value };
  return typeof value === 'number' ? numberOf(value) : invalid('must be a string, a number or a boolean');
}

function unknownOption(options: readonly PropertyOption[]): InvalidOperand {
  const rule = `must be the slug or id of an option of this property: ${listOptions(options) || 'it has none'}`;
  return { code: 'unknown_option', rule };
}

function invalid(rule: string): InvalidOperand {
  return { code: 'invalid_property', rule };
}
