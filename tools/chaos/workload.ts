import type { AskedItem, RequestHistory, Tokens } from './history';
import type { Random } from '../../test/support/random';
import type { SharedRecords } from './shared.records';

/** One request as it goes over the wire, and what it asks for. */
export interface PlannedRequest {
  operation: RequestHistory['operation'];
  onError: RequestHistory['onError'];
  items: AskedItem[];
  method: 'POST' | 'PATCH';
  path: string;
  headers: Record<string, string>;
  body: string;
}

type Planned = Pick<PlannedRequest, 'onError' | 'items'> & { wire: unknown };

const maxItems = 20;

/** Makes up the next request of a caller: mostly batches of patches, with everything that may go wrong with them. */
export function nextRequest(random: Random, records: SharedRecords): PlannedRequest {
  const path = `/v2/prism/${records.teamId}/organization`;
  const draw = random.next();
  if (draw < 0.1) {
    const asked: AskedItem = { ask: 'create', marker: records.token(), set: { name: records.token() } };
    const body = JSON.stringify({ default: { ...asked.set, primary_domain: asked.marker } });
    return { ...single, operation: 'create', items: [asked], method: 'POST', path, body };
  }
  if (draw < 0.25) return patch(random, records, path);
  const deletion = draw < 0.29;
  const { onError, items, wire } = deletion ? deletes(random, records) : updates(random, records);
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
  const ifMatch = random.chance(0.3) ? records.versionOf(id) : undefined;
  const set = tokens(random, records);
  return {
    ...single,
    operation: 'patch',
    items: [{ ask: 'patch', id, set, ...(ifMatch !== undefined && { ifMatch }) }],
    method: 'PATCH',
    path: `${path}/${id}`,
    headers: ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` },
    body: JSON.stringify({ default: set }),
  };
}

function deletes(random: Random, records: SharedRecords): Planned {
  const items = Array.from({ length: random.integer(1, 3) }, (): AskedItem => {
    if (random.chance(0.1)) return { ask: 'refusal', id: random.uuid(), code: 'not_found' };
    return { ask: 'delete', id: records.pickVictim(random) };
  });
  const ids = items.map((item) => ('id' in item ? item.id : null));
  return { onError: 'continue', items, wire: { ids } };
}

function updates(random: Random, records: SharedRecords): Planned {
  const onError = random.chance(0.8) ? 'continue' : random.pick(['stop', 'rollback'] as const);
  const items: AskedItem[] = [];
  const wire: unknown[] = [];
  for (let left = random.integer(1, maxItems); left > 0; left--) {
    // One that fails for good makes all the others of a rollback fail too, so there it is rarer.
    const sound = random.next() >= (onError === 'rollback' ? 0.01 : 0.1);
    const [asked, item] = sound ? soundItem(random, records, items) : hopelessItem(random, records);
    items.push(asked);
    wire.push(item);
  }
  const options = {
    on_error: onError,
    return: random.pick(['representation', 'minimal']),
  };
  return { onError, items, wire: { items: wire, options } };
}

type WireItem = Record<string, unknown>;

function soundItem(random: Random, records: SharedRecords, before: readonly AskedItem[]): [AskedItem, WireItem] {
  const repeated = before.length > 0 && random.chance(0.08) ? random.pick(before) : undefined;
  const id = repeated?.ask === 'patch' ? repeated.id : records.pick(random);
  const set = tokens(random, records);
  // In a rollback an earlier item's change counts, and is then undone: nobody outside can tell which version it was.
  const changedBefore = before.some((asked) => asked.ask === 'patch' && asked.id === id);
  const version = !changedBefore && random.chance(0.1) ? records.versionOf(id) : undefined;
  // Clearing takes the longer way through the engine.
  const block = random.chance(0.3) ? { ...set, description: null } : set;
  const ifMatch = version === undefined ? undefined : { if_match: `"${version}"` };
  return [
    { ask: 'patch', id, set, ...(version !== undefined && { ifMatch: version }) },
    { id, default: block, ...ifMatch },
  ];
}

function hopelessItem(random: Random, records: SharedRecords): [AskedItem, WireItem] {
  const id = records.pick(random);
  const name = records.token();
  const nobody = random.uuid();
  return random.pick<[AskedItem, WireItem]>([
    [
      { ask: 'refusal', id: nobody, code: 'not_found' },
      { id: nobody, default: { name } },
    ],
    [
      { ask: 'refusal', id, code: 'invalid_property' },
      { id, default: { name, employees: 'many' } },
    ],
    [
      { ask: 'refusal', id, code: 'unknown_option' },
      { id, default: { name, stage: 'dreaming' } },
    ],
    [
      { ask: 'refusal', id, code: 'unknown_property' },
      { id, default: { name, colour: 'red' } },
    ],
    [
      { ask: 'refusal', id: null, code: 'invalid_item' },
      { id: 'nobody', default: { name } },
    ],
  ]);
}

function tokens(random: Random, records: SharedRecords): Tokens {
  const which = random.integer(1, 3);
  return { ...(which !== 2 && { name: records.token() }), ...(which !== 1 && { notes: records.token() }) };
}
