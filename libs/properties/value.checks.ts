import { Json } from './change.interface';
import { isDate } from './date.check';
import { ValidationErrors } from './validation.errors';
import { isStorable, isStorableNumber, isStorableText } from './json.check';
import { PropertyOption } from './property-definition.interface';
import { lowerCaseUuid } from './uuid.check';

/** Returns the value to store, or null if it does not fit; then `errors` says why. Null itself is no value: it clears. */
export type ValueCheck = (value: unknown, errors: ValidationErrors) => Json | null;

/** So many options are named in an error. */
const OPTIONS_NAMED = 10;

export const text: ValueCheck = (value, errors) => {
  if (typeof value !== 'string') return mistyped(errors, 'must be a string');
  return isStorableText(value, errors) ? value : null;
};

export const number: ValueCheck = (value, errors) => {
  if (typeof value !== 'number') return mistyped(errors, 'must be a number');
  return isStorableNumber(value, errors) ? value : null;
};

export const boolean: ValueCheck = (value, errors) =>
  typeof value === 'boolean' ? value : mistyped(errors, 'must be true or false');

export const date: ValueCheck = (value, errors) =>
  typeof value === 'string' && isDate(value)
    ? value
    : mistyped(errors, 'must be a real date, as 2026-02-28 or as RFC 3339 date-time 2026-02-28T09:30:00Z');

export const reference: ValueCheck = (value, errors) =>
  (typeof value === 'string' ? lowerCaseUuid(value) : null) ?? mistyped(errors, 'must be a record id (UUID)');

export const json: ValueCheck = (value, errors) => (isStorable(value, errors) ? value : null);

/** One of the options, by slug or by id; an id is stored as its slug. */
export function option(options: readonly PropertyOption[]): ValueCheck {
  // A slug that looks like another option's id still means its own option, so slugs are entered last.
  const slugs = new Map(options.map(({ id, slug }) => [id.toLowerCase(), slug]));
  for (const { slug } of options) slugs.set(slug, slug);
  const unknown = `is not an option of this property; ${namedOptions(options)}`;

  return (value, errors) => {
    if (typeof value !== 'string') return mistyped(errors, 'must be a string: the slug or id of an option');
    if (!isStorableText(value, errors)) return null;
    return slugs.get(value) ?? slugs.get(value.toLowerCase()) ?? errors.refuse('unknown_option', unknown);
  };
}

/** An array of what `element` accepts, as a set: duplicates go, the order stays. */
export function several(element: ValueCheck): ValueCheck {
  return (value, errors) => {
    if (!Array.isArray(value)) return mistyped(errors, 'must be an array');
    const kept = new Set<Json>();
    let good = true;
    for (let index = 0; index < value.length; index += 1) {
      errors.enter(index);
      const checked = element(value[index], errors);
      errors.leave();
      if (checked === null) good = false;
      else kept.add(checked);
    }
    return good ? [...kept] : null;
  };
}

function mistyped(errors: ValidationErrors, message: string): null {
  return errors.refuse('invalid_property', message);
}

function namedOptions(options: readonly PropertyOption[]): string {
  if (options.length === 0) return 'it has none';
  const named = options.slice(0, OPTIONS_NAMED).map(({ slug }) => slug);
  const more = options.length - named.length;
  return `use ${named.join(', ')}${more > 0 ? ` or one of ${more} more` : ''}`;
}
