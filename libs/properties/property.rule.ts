import { PropertyDefinition } from './property-definition.interface';
import { boolean, date, json, number, option, reference, several, text, ValueCheck } from './value.checks';

/** A definition made ready for checking values. */
export interface PropertyRule {
  readonly required: boolean;
  readonly readOnly: boolean;
  /** Holds an array, so that operators can add and remove elements. */
  readonly multi: boolean;
  readonly check: ValueCheck;
}

/** The rule of a property that nobody defined, where such are accepted. */
export const anythingGoes: PropertyRule = { required: false, readOnly: false, multi: false, check: json };

export function ruleOf(definition: PropertyDefinition): PropertyRule {
  return {
    required: definition.required,
    readOnly: definition.locked,
    multi: definition.type.startsWith('multi'),
    check: checkOf(definition),
  };
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
