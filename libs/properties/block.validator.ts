import { BlockChange, Json } from './change.interface';
import { ValidationErrors } from './validation.errors';
import { isStorableKey } from './json.check';
import { isOperator, operationOf } from './operator.check';
import { PropertyDefinition } from './property-definition.interface';
import { anythingGoes, PropertyRule, ruleOf } from './property.rule';
import { suggestSlug } from './slug.suggestion';

/** What becomes of properties that nobody defined: an error, or stored as they are. */
export type UnknownProperties = 'reject' | 'accept';

/** Checks one block of properties: `default`, or that of one list. */
export class BlockValidator {
  private readonly rules = new Map<string, PropertyRule>();
  private readonly required: readonly string[];

  /**
   * @param definitions of this block; of two with one slug the first holds
   * @param unknown what becomes of other slugs
   * @param owner whose properties these are, for error messages
   */
  constructor(
    definitions: readonly PropertyDefinition[],
    private readonly unknown: UnknownProperties,
    private readonly owner: string,
  ) {
    for (const definition of definitions) {
      if (!this.rules.has(definition.slug)) this.rules.set(definition.slug, ruleOf(definition));
    }
    this.required = [...this.rules].filter(([, rule]) => rule.required).map(([slug]) => slug);
  }

  /** The change that brings a record's block up to date; worth something only if `errors` stays empty. */
  patch(block: Record<string, unknown>, errors: ValidationErrors): BlockChange {
    const change: BlockChange = { set: null, clear: null, ops: null };
    for (const slug of Object.keys(block)) {
      if (errors.full) break;
      errors.enter(slug);
      const rule = this.rules.get(slug) ?? this.ruleOfUndefined(slug, errors);
      if (rule !== null) take(slug, block[slug], rule, change, errors);
      errors.leave();
    }
    return change;
  }

  /**
   * The change that fills a new record's block: it only sets, since there is nothing to clear, to append to or to remove
   * from. Required properties must be there.
   */
  create(block: Record<string, unknown>, errors: ValidationErrors): BlockChange {
    const { set, ops } = this.patch(block, errors);
    let filled = set;
    for (const [slug, { op, values, required }] of Object.entries(ops ?? {})) {
      const added = op === 'append' ? values : [];
      if (required === true && added.length === 0) rejectMissingRole(errors, slug);
      else if (op === 'append') (filled ??= {})[slug] = added;
    }
    for (const slug of this.required) {
      if (!Object.hasOwn(block, slug)) rejectMissingRole(errors, slug);
    }
    return { set: filled, clear: null, ops: null };
  }

  private ruleOfUndefined(slug: string, errors: ValidationErrors): PropertyRule | null {
    if (this.unknown === 'accept') return isStorableKey(slug, errors) ? anythingGoes : null;
    const suggestion = suggestSlug(slug, this.rules.keys());
    const hint = suggestion === undefined ? 'GET .../properties lists them' : `did you mean ${suggestion}?`;
    return errors.refuse('unknown_property', `is not a property of ${this.owner}; ${hint}`);
  }
}

/** Checks one value and notes in `change` what it does. */
function take(slug: string, value: unknown, rule: PropertyRule, change: BlockChange, errors: ValidationErrors): void {
  if (rule.readOnlyReason !== undefined) {
    errors.refuse('invalid_property', rule.readOnlyReason);
  } else if (value === null) {
    if (rule.required) errors.refuse('required_property', 'is required: it cannot be null');
    else (change.clear ??= []).push(slug);
  } else if (isOperator(value)) {
    const operation = operationOf(value, rule, errors);
    if (operation !== null) (change.ops ??= {})[slug] = operation;
  } else {
    const checked = rule.check(value, errors);
    if (checked === null) return;
    if (rule.required && isBlank(checked)) errors.refuse('required_property', 'is required: it cannot be blank');
    else (change.set ??= {})[slug] = checked;
  }
}

/** Whether a value says nothing: text of white space only, or a list without elements. */
function isBlank(value: Json): boolean {
  if (typeof value === 'string') return value.trim() === '';
  return Array.isArray(value) && value.length === 0;
}

function rejectMissingRole(errors: ValidationErrors, slug: string): void {
  errors.refuse('required_property', 'is required', slug);
}
