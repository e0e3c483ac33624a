import { Json } from './change.interface';
import { isDate } from './date.check';
import { ItemFaults } from './item.faults';
import { isStorable, isStorableNumber, isStorableText } from './json.check';
import { PropertyOption } from './property-definition.interface';
import { lowerCaseUuid } from './uuid.check';

/** Answers the value to store, or null if it does not fit; then `faults` says why. Null itself is no value: it clears. */
export type ValueCheck = (value: unknown, faults: ItemFaults) => Json | null;

/** So many options are named in an error. */
const OPTIONS_NAMED = 10;

export const text: ValueCheck = (value, faults) => {
  if (typeof value !== 'string') return mistyped(faults, 'must be a string');
  return isStorableText(value, faults) ? value : null;
};

export const number: ValueCheck = (value, faults) => {
  if (typeof value !== 'number') return mistyped(faults, 'must be a number');
  return isStorableNumber(value, faults) ? value : null;
};

export const boolean: ValueCheck = (value, faults) =>
  typeof value === 'boolean' ? value : mistyped(faults, 'must be true or false');

export const date: ValueCheck = (value, faults) =>
  typeof value === 'string' && isDate(value)
    ? value
    : mistyped(faults, 'must be a real date, as 2026-02-28 or as RFC 3339 date-time 2026-02-28T09:30:00Z');

export const reference: ValueCheck = (value, faults) =>
  (typeof value === 'string' ? lowerCaseUuid(value) : null) ?? mistyped(faults, 'must be a record id (UUID)');

export const json: ValueCheck = (value, faults) => (isStorable(value, faults) ? value : null);

/** One of the options, by slug or by id; an id is stored as its slug. */
export function option(options: readonly PropertyOption[]): ValueCheck {
  // A slug that looks like another option's id still means its own option, so slugs are entered last.
  const slugs = new Map(options.map(({ id, slug }) => [id.toLowerCase(), slug]));
  for (const { slug } of options) slugs.set(slug, slug);
  const unknown = `is not an option of this property; ${namedOptions(options)}`;

  return (value, faults) => {
    if (typeof value !== 'string') return mistyped(faults, 'must be a string: the slug or id of an option');
    return slugs.get(value) ?? slugs.get(value.toLowerCase()) ?? faults.refuse('unknown_option', unknown);
  };
}

/** An array of what `element` accepts, as a set: duplicates go, the order stays. */
export function several(element: ValueCheck): ValueCheck {
  return (value, faults) => {
    if (!Array.isArray(value)) return mistyped(faults, 'must be an array');
    const kept = new Set<Json>();
    let good = true;
    for (let index = 0; index < value.length; index += 1) {
      faults.enter(index);
      const checked = element(value[index], faults);
      faults.leave();
      if (checked === null) good = false;
      else kept.add(checked);
    }
    return good ? [...kept] : null;
  };
}

function mistyped(faults: ItemFaults, message: string): null {
  return faults.refuse('invalid_property', message);
}

function namedOptions(options: readonly PropertyOption[]): string {
  if (options.length === 0) return 'it has none';
  const named = options.slice(0, OPTIONS_NAMED).map(({ slug }) => slug);
  const more = options.length - named.length;
  return `use ${named.join(', ')}${more > 0 ? ` or one of ${more} more` : ''}`;
}
