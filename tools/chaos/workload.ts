import type { RequestedItem, RequestHistory, Tokens } from './history';
import type { Random } from '../../test/support/random';
import type { RoundPlan } from './round.plan';
import type { SharedRecords } from './shared.records';

/** A request as it is sent, and its items for the checker. */
export interface PlannedRequest {
  operation: RequestHistory['operation'];
  onError: RequestHistory['onError'];
  items: RequestedItem[];
  method: 'POST' | 'PATCH' | 'PUT';
  path: string;
  headers: Record<string, string>;
  body: string;
}

type Planned<Wire = unknown> = Pick<PlannedRequest, 'onError' | 'items'> & { wire: Wire };

/** How many items have `if_match`, and how many are upserts: see {@link RoundPlan}. */
type Shares = Pick<RoundPlan, 'conditional' | 'upserts'>;

const maxItems = 20;

/** Generates the next request of a caller: mostly batches of patches, some with items that fail. */
export function nextRequest(random: Random, records: SharedRecords, shares: Shares): PlannedRequest {
  const path = `/v2/prism/${records.teamId}/organization`;
  const choice = random.next();
  if (choice < 0.1) {
    const requested: RequestedItem = { type: 'create', marker: records.token(), set: { name: records.token() } };
    const body = JSON.stringify({ default: { ...requested.set, primary_domain: requested.marker } });
    return { ...single, operation: 'create', items: [requested], method: 'POST', path, body };
  }
  if (choice < 0.25)
    return random.chance(shares.upserts) ? upsert(random, records, path) : patch(random, records, path);
  if (choice < 0.37) return mixed(random, records, path, shares);
  const deletion = choice < 0.41;
  const { onError, items, wire } = deletion ? deletes(random, records) : updates(random, records, shares);
  return {
    operation: deletion ? 'delete' : 'update',
    onError,
    items,
    method: 'POST',
    path: `${path}/batch/${deletion ? 'delete' : 'update'}`,
    headers: {},
    body: JSON.stringify(wire),
  };
}

const single = { onError: 'continue', headers: {} } as const;

function patch(random: Random, records: SharedRecords, path: string): PlannedRequest {
  const id = records.pick(random);
  const known = random.chance(0.3) ? records.versionOf(id) : undefined;
  const set = tokens(random, records);
  return {
    ...single,
    operation: 'patch',
    items: [{ type: 'patch', id, set, ...(known && { ifMatch: known.version }) }],
    method: 'PATCH',
    path: `${path}/${id}`,
    headers: known === undefined ? {} : { 'if-match': known.etag },
    body: JSON.stringify({ default: set }),
  };
}

function upsert(random: Random, records: SharedRecords, path: string): PlannedRequest {
  const [requested, block] = upsertedItem(random, records);
  return {
    ...{ ...single, operation: 'upsert', items: [requested], method: 'PUT' },
    path: `${path}/by/primary_domain/${requested.marker}`,
    body: JSON.stringify({ default: block }),
  };
}

/** A batch that creates records beside its patches. */
function mixed(random: Random, records: SharedRecords, path: string, shares: Shares): PlannedRequest {
  const { onError, items, wire } = updates(random, records, shares);
  const operations = wire.items.map((item): WireItem => ({ op: 'update', ...item }));
  for (let left = random.integer(1, 4); left > 0; left--) {
    const requested = { type: 'create', marker: records.token(), set: { name: records.token() } } as const;
    const block = { ...requested.set, primary_domain: requested.marker };
    const at = random.integer(0, items.length);
    items.splice(at, 0, requested);
    operations.splice(at, 0, { op: 'create', ref: requested.marker, default: block });
  }
  return {
    ...{ operation: 'batch', onError, items, method: 'POST', path: `${path}/batch`, headers: {} },
    body: JSON.stringify({ ...wire, items: operations }),
  };
}

function deletes(random: Random, records: SharedRecords): Planned {
  const items = Array.from({ length: random.integer(1, 3) }, (): RequestedItem => {
    if (random.chance(0.1)) return { type: 'rejection', id: random.uuid(), code: 'not_found' };
    return { type: 'delete', id: records.pickForDelete(random) };
  });
  const ids = items.map((item) => ('id' in item ? item.id : null));
  return { onError: 'continue', items, wire: { ids } };
}

function updates(
  random: Random,
  records: SharedRecords,
  { conditional, upserts }: Shares,
): Planned<{ items: WireItem[]; options: object }> {
  const onError = random.chance(0.8) ? 'continue' : random.pick(['stop', 'rollback'] as const);
  const items: RequestedItem[] = [];
  const wire: WireItem[] = [];
  for (let left = random.integer(1, maxItems); left > 0; left--) {
    // In a rollback one final failure fails all items, so it is rarer there.
    const valid = random.next() >= (onError === 'rollback' ? 0.01 : 0.1);
    const [requested, item] = !valid
      ? invalidItem(random, records)
      : random.chance(upserts)
        ? matchedItem(random, records)
        : validItem(random, records, items, conditional);
    items.push(requested);
    wire.push(item);
  }
  const options = {
    on_error: onError,
    return: random.pick(['representation', 'minimal']),
  };
  return { onError, items, wire: { items: wire, options } };
}

type WireItem = Record<string, unknown>;

function validItem(
  random: Random,
  records: SharedRecords,
  before: readonly RequestedItem[],
  conditional: number,
): [RequestedItem, WireItem] {
  const repeated = before.length > 0 && random.chance(0.08) ? random.pick(before) : undefined;
  const id = repeated?.type === 'patch' ? repeated.id : records.pick(random);
  const set = tokens(random, records);
  // Which version a condition refers to is unknown after an earlier change of the same record in the batch.
  const changedBefore = before.some((requested) => requested.type === 'patch' && requested.id === id);
  const known = !changedBefore && random.chance(conditional) ? records.versionOf(id) : undefined;
  // Clearing a property uses another path of the procedure.
  const cleared = random.chance(0.3) ? { ...set, description: null } : set;
  const by = random.chance(0.3) ? random.integer(-9, 9) : undefined;
  const block = by === undefined ? cleared : { ...cleared, employees: { _op: 'increment', by } };
  const ifMatch = known && { if_match: known.etag };
  return [
    { type: 'patch', id, set, ...(by !== undefined && { by }), ...(known && { ifMatch: known.version }) },
    { id, default: block, ...ifMatch },
  ];
}

function matchedItem(random: Random, records: SharedRecords): [RequestedItem, WireItem] {
  const [requested, block] = upsertedItem(random, records);
  const match = { slug: 'primary_domain', value: requested.marker };
  return [requested, { match, if_absent: 'create', default: block }];
}

/** An upsert, and its `default` block. A new record needs a name. */
function upsertedItem(
  random: Random,
  records: SharedRecords,
): [Extract<RequestedItem, { type: 'upsert' }>, Record<string, unknown>] {
  const set = { name: records.token(), ...(random.chance(0.5) && { notes: records.token() }) };
  const by = random.chance(0.5) ? random.integer(-9, 9) : undefined;
  const requested = { type: 'upsert', marker: records.upsertMarker(), set, ...(by !== undefined && { by }) } as const;
  return [requested, by === undefined ? set : { ...set, employees: { _op: 'increment', by } }];
}

function invalidItem(random: Random, records: SharedRecords): [RequestedItem, WireItem] {
  const id = records.pick(random);
  const name = records.token();
  const unknownId = random.uuid();
  return random.pick<[RequestedItem, WireItem]>([
    [
      { type: 'rejection', id: unknownId, code: 'not_found' },
      { id: unknownId, default: { name } },
    ],
    [
      { type: 'rejection', id, code: 'invalid_property' },
      { id, default: { name, employees: 'many' } },
    ],
    [
      { type: 'rejection', id, code: 'unknown_option' },
      { id, default: { name, stage: 'dreaming' } },
    ],
    [
      { type: 'rejection', id, code: 'unknown_property' },
      { id, default: { name, color: 'red' } },
    ],
    [
      { type: 'rejection', id: null, code: 'invalid_item' },
      { id: 'nobody', default: { name } },
    ],
  ]);
}

function tokens(random: Random, records: SharedRecords): Tokens {
  const which = random.integer(1, 3);
  return { ...(which !== 2 && { name: records.token() }), ...(which !== 1 && { notes: records.token() }) };
}
