import { BlockChange } from './change.interface';
import { ItemFaults } from './item.faults';
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

  /** The change that brings a record's block up to date; worth something only if `faults` stays empty. */
  patch(block: Record<string, unknown>, faults: ItemFaults): BlockChange {
    const change: BlockChange = { set: null, clear: null, ops: null };
    for (const slug of Object.keys(block)) {
      if (faults.full) break;
      faults.enter(slug);
      const rule = this.rules.get(slug) ?? this.ruleOfUndefined(slug, faults);
      if (rule !== null) take(slug, block[slug], rule, change, faults);
      faults.leave();
    }
    return change;
  }

  /**
   * The change that fills a new record's block: it only sets, since there is nothing to clear, to append to or to remove
   * from. Required properties must be there.
   */
  create(block: Record<string, unknown>, faults: ItemFaults): BlockChange {
    const { set, ops } = this.patch(block, faults);
    let filled = set;
    for (const [slug, { op, values }] of Object.entries(ops ?? {})) {
      if (op === 'append') (filled ??= {})[slug] = values;
      else if (this.rules.get(slug)?.required === true) refuseMissing(faults, slug);
    }
    for (const slug of this.required) {
      if (!Object.hasOwn(block, slug)) refuseMissing(faults, slug);
    }
    return { set: filled, clear: null, ops: null };
  }

  private ruleOfUndefined(slug: string, faults: ItemFaults): PropertyRule | null {
    if (this.unknown === 'accept') return isStorableKey(slug, faults) ? anythingGoes : null;
    const suggestion = suggestSlug(slug, this.rules.keys());
    const hint = suggestion === undefined ? 'GET .../properties lists them' : `did you mean ${suggestion}?`;
    return faults.refuse('unknown_property', `is not a property of ${this.owner}; ${hint}`);
  }
}

/** Checks one value and notes in `change` what it does. */
function take(slug: string, value: unknown, rule: PropertyRule, change: BlockChange, faults: ItemFaults): void {
  if (rule.readOnly) {
    faults.refuse('invalid_property', 'is read-only: leave it out');
  } else if (value === null) {
    if (rule.required) faults.refuse('required_property', 'is required: it cannot be null');
    else (change.clear ??= []).push(slug);
  } else if (isOperator(value)) {
    const operation = operationOf(value, rule, faults);
    if (operation !== null) (change.ops ??= {})[slug] = operation;
  } else {
    const checked = rule.check(value, faults);
    if (checked !== null) (change.set ??= {})[slug] = checked;
  }
}

function refuseMissing(faults: ItemFaults, slug: string): void {
  faults.refuse('required_property', 'is required', slug);
}
