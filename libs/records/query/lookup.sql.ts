import type { Condition, PropertyCondition } from './condition';
import type { FieldLookup } from './query.fields';
import type { SqlParameters } from './sql.parameters';

/** A condition that a lookup serves. */
export interface LookupCondition extends PropertyCondition {
  readonly field: PropertyCondition['field'] & { readonly lookup: FieldLookup };
}

/** The conditions that every record must meet (so not those within an OR) and that a lookup serves. */
export function lookupConditionsOf(condition: Condition): LookupCondition[] {
  if ('all' in condition) return condition.all.flatMap(lookupConditionsOf);
  if ('any' in condition) return [];
  return isLookupCondition(condition) ? [condition] : [];
}

/**
 * The condition that the lookup has a live record `r` for one of the values. It only lets the planner use the index: the comparison
 * itself is a condition as well. It refers to `context`, on which the rows of a team depend.
 *
 * @param team the placeholder of the team
 */
export function lookupSql({ field, operands }: LookupCondition, team: string, parameters: SqlParameters): string {
  const { propertyId, kind } = field.lookup;
  const hashes = `lookup_hashes(${parameters.text(kind)}, ${parameters.add(JSON.stringify(operands))}::jsonb)`;
  return `r.id IN (SELECT l.record_id FROM record_lookups AS l WHERE l.team_id = context.team AND l.team_id = ${team}::uuid AND l.property_id = ${parameters.add(propertyId)}::uuid AND l.value_hash = ANY (${hashes}))`;
}

function isLookupCondition(condition: PropertyCondition): condition is LookupCondition {
  return condition.comparator === 'equal' && !condition.negated && condition.field.lookup !== undefined;
}
