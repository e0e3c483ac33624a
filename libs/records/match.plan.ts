import { fieldSegment, type FieldError, itemError, type ItemErrorCode } from '#libs/errors';
import { isObject } from '#libs/json';
import {
  comparisonOf,
  isIndexed,
  isMultiValue,
  type Operand,
  operandOf,
  type PropertyDefinition,
} from '#libs/properties';
import { planPatch, planUpsert } from './change.plan';
import {
  ifMatchOf,
  invalidItem,
  type Item,
  type ItemContext,
  malformedIfMatch,
  rejectInvalid,
  rejectMalformed,
  withRef,
} from './item.plan';
import { type Match, type PlanItem, planReject } from './plan';

/** The members by which an item finds its record by a value. */
const MATCH_MEMBERS = ['match', 'if_absent'];
const FORM = 'as {"slug": "primary_domain", "value": "acme.example"}';

/** Whether an item names its record by a value instead of its id. */
export function isMatched(item: Item): boolean {
  return MATCH_MEMBERS.some((member) => item[member] !== undefined);
}

/**
 * Plans an update of the one record that has a value.
 *
 * @param members that the item can have besides
 */
export function planMatched(item: Item, members: ReadonlySet<string>, context: ItemContext): PlanItem {
  return withRef(item, () => {
    if (item.id !== undefined) return invalidItem(null, 'id', 'exclusive', 'an item has an id or a match, not both');
    const malformed = rejectMalformed(item, null, new Set([...members, ...MATCH_MEMBERS]), context);
    if (malformed !== undefined) return malformed;
    const { if_absent: ifAbsent = 'error' } = item;
    if (ifAbsent !== 'error' && ifAbsent !== 'create') {
      return invalidItem(null, 'if_absent', 'enum', 'if_absent must be "error" or "create"');
    }
    const found = readMatch(item.match, context.definitions);
    return 'op' in found ? found : planMatchedUpdate(item, found, ifAbsent === 'create', context);
  });
}

/** The match of a value of a property; undefined if its values are not single texts, numbers or dates. */
export function matchOf(definition: PropertyDefinition, value: Operand): Match | undefined {
  const kind = comparisonOf(definition);
  if (isMultiValue(definition) || kind === 'json' || kind === 'boolean') return undefined;
  const indexed = isIndexed(definition);
  return { id: definition.id, slug: definition.slug, kind, value, ...(indexed && { indexed }) };
}

/** The match of an item, and the definition of its property. */
interface FoundMatch {
  readonly match: Match;
  readonly definition: PropertyDefinition;
}

function readMatch(given: unknown, definitions: readonly PropertyDefinition[]): FoundMatch | PlanItem {
  if (
    !isObject(given) ||
    typeof given.slug !== 'string' ||
    given.value === undefined ||
    Object.keys(given).length > 2
  ) {
    return invalidItem(null, 'match', 'object', `match must be an object with slug and value, ${FORM}`);
  }
  const { slug, value } = given;
  const definition = definitions.find((each) => each.slug === slug && each.list_id === null);
  if (definition === undefined)
    return rejectMatch('unknown_property', 'slug', 'must name a property of the object type');
  const checked = operandOf(definition, value);
  if ('rule' in checked) return rejectMatch(checked.code, 'value', checked.rule);
  const match = matchOf(definition, checked.operand);
  if (match?.indexed === true) return { match, definition };
  const rule = 'must name a property with a lookup that is built; set its lookup to "indexed" or "unique"';
  return rejectMatch('invalid_item', 'slug', rule);
}

function planMatchedUpdate(
  item: Item,
  { match, definition }: FoundMatch,
  mayCreate: boolean,
  context: ItemContext,
): PlanItem {
  const { validator, skipUnchanged, newId } = context;
  const condition = ifMatchOf(item.if_match);
  if (condition === 'malformed') return malformedIfMatch(null);
  const { slug, value } = match;
  const block = isObject(item.default) ? item.default : {};
  let content: Item = item;
  if (mayCreate && block[slug] !== undefined) {
    const checked = operandOf(definition, block[slug]);
    if (!('operand' in checked) || checked.operand !== value) {
      const message = `default${fieldSegment(slug)} must be the value of match, or be left out, with if_absent create`;
      const field = `.default${fieldSegment(slug)}`;
      return planReject(null, itemError('invalid_property', message, [{ field, code: 'mismatch', message }]));
    }
    const rest = Object.entries(block).filter(([key]) => key !== slug);
    content = { ...item, default: Object.fromEntries(rest) };
  }
  const patch = validator.patch(content);
  if ('errors' in patch) return rejectInvalid(null, patch);
  const id = newId();
  if (!mayCreate) return { ...planPatch(id, patch.change, condition.etag, skipUnchanged), match };
  const create = validator.create({ ...content, default: { ...block, [slug]: value } });
  const mustExist = item.if_match !== undefined;
  return planUpsert(id, match, { patch, create, ifMatch: condition.etag, mustExist, skipUnchanged });
}

function rejectMatch(code: ItemErrorCode, member: 'slug' | 'value', rule: string): PlanItem {
  const message = `match.${member} ${rule}`;
  const error: FieldError = { field: `.match.${member}`, code, message };
  return planReject(null, itemError(code, message, [error]));
}
