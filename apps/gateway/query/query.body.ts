import { parseUuid } from '#libs/json';
import type { PropertyDefinition } from '#libs/properties';
import { FilterParser, invalidQuery, QueryFields, sortOrderOf } from '#libs/records';
import { checkedEnvelope } from '../http/envelope.check';
import { parseListId } from '../http/list.id';
import type { RecordTarget } from '../http/target.decorator';
import { type CursorInput, filterOf, type QueryInput } from './query.input';
import { DEFAULT_LIMIT, QueryEnvelope, type QuerySpecification } from './query.envelope';

/** The maximum number of ids in one query. */
const MAX_IDS = 1_000;
const PATH = '.body.query';

/** Reads the body of `POST .../query`. @throws RequestError `invalid_request` */
export function queryOfBody(
  target: RecordTarget,
  body: unknown,
  definitions: readonly PropertyDefinition[],
): QueryInput {
  const envelope = checkedEnvelope(QueryEnvelope, body);
  const specification = envelope.query;
  const fields = new QueryFields(definitions, parseListId(specification.list_id ?? undefined, `${PATH}.list_id`));
  const group = specification.combinator === 'OR' ? 'any' : 'all';
  const condition = new FilterParser(fields).parse(specification.filter ?? [], group, `${PATH}.filter`);
  return {
    ...filterOf(target, fields, condition, { ids: idsOf(envelope.id), deleted: envelope.deleted ?? false }),
    selection: fields.checkSelection(selectedSlugs(specification), (index) => `${PATH}.select[${index}]`),
    order: sortOrderOf(specification.sort ?? undefined, fields, `${PATH}.sort`),
    limit: specification.limit ?? DEFAULT_LIMIT,
    cursor: cursorOf(envelope, specification),
    page: specification.page ?? 1,
    includeTotal: envelope.include_total ?? false,
    path: PATH,
  };
}

function selectedSlugs({ select }: QuerySpecification): string[] {
  if (select.length === 0) throw invalidQuery(`${PATH}.select`, 'min_items', 'must have at least one property slug');
  return select.map((slug, index) => {
    if (typeof slug === 'string') return slug;
    throw invalidQuery(`${PATH}.select[${index}]`, 'string', 'must be a property slug');
  });
}

function cursorOf(envelope: QueryEnvelope, specification: QuerySpecification): CursorInput | undefined {
  if (typeof specification.cursor === 'string') return { text: specification.cursor, path: `${PATH}.cursor` };
  return typeof envelope.cursor === 'string' ? { text: envelope.cursor, path: '.body.cursor' } : undefined;
}

function idsOf(id: unknown): readonly string[] | undefined {
  if (id === undefined || id === null) return undefined;
  if (!Array.isArray(id)) return [idAt(id, '.body.id')];
  if (id.length > MAX_IDS) throw invalidQuery('.body.id', 'max_items', `must have at most ${MAX_IDS} ids`);
  return [...new Set(id.map((each: unknown, index) => idAt(each, `.body.id[${index}]`)))];
}

function idAt(value: unknown, path: string): string {
  const id = parseUuid(value);
  if (id === undefined) throw invalidQuery(path, 'uuid', 'must be a record id (UUID)');
  return id;
}
