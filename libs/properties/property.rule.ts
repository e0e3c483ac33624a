import { PropertyDefinition } from './property-definition.interface';
import { boolean, date, json, number, option, reference, several, text, ValueCheck } from './value.checks';

/** A definition made ready for checking values. */
export interface PropertyRule {
  readonly required: boolean;
  /** Why callers cannot write it, to follow its name in a message; undefined if they can. */
  readonly readOnlyReason: string | undefined;
  /** Holds an array, so that operators can add and remove elements. */
  readonly multi: boolean;
  readonly check: ValueCheck;
}

/** The rule of a property that nobody defined, where such are accepted. */
export const anythingGoes: PropertyRule = { required: false, readOnlyReason: undefined, multi: false, check: json };

export function ruleOf(definition: PropertyDefinition): PropertyRule {
  return {
    // What callers cannot write cannot be asked of them either.
    required: definition.required && !definition.locked,
    readOnlyReason: readOnlyReasonOf(definition),
    multi: definition.type.startsWith('multi'),
    check: checkOf(definition),
  };
}

function readOnlyReasonOf({ locked, unsupportedType }: PropertyDefinition): string | undefined {
  if (unsupportedType !== undefined) return 'is read-only: this release does not support its type; leave it out';
  return locked ? 'is read-only: leave it out' : undefined;
}

function checkOf({ type, options }: PropertyDefinition): ValueCheck {
  switch (type) {
    case 'str':
    case 'text':
      return text;
    case 'num':
      return number;
    case 'bool':
      return boolean;
    case 'date':
      return date;
    case 'jsonb':
      return json;
    case 'select_str':
      return option(options);
    case 'multiselect_str':
      return several(option(options));
    case 'multi_str':
      return several(text);
    default:
      return type.startsWith('multiref_') ? several(reference) : reference;
  }
}
