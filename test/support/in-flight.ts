import { setTimeout as sleep } from 'node:timers/promises';

/** One value of a gauge, as `/metrics` shows it. */
interface Sample {
  name: string;
  labels: Partial<Record<string, string | number>>;
  value: number;
}

type ReadSamples = () => Promise<Sample[]>;

/** Gauges that count what requests hold, whoever adds them. */
const IN_FLIGHT = /^prism_\w+_(in_flight|queue_length|waiting)$|^prism_admission_(body|heap|response)_bytes$/;
const CONNECTIONS = 'prism_database_pool_connections';
const MAX_TURNS = 1_000;
const TURN_MS = 10;

/** Every gateway of the tests of this file that is running. */
const gateways = new Set<ReadSamples>();

/** @returns to be called when the gateway has ended */
export function watchInFlight(read: ReadSamples): () => void {
  gateways.add(read);
  return () => gateways.delete(read);
}

export function isInFlightGauge(name: string): boolean {
  return IN_FLIGHT.test(name) || name === CONNECTIONS;
}

/**
 * Waits until no gateway holds anything for a request any more: no permit, no queued request, no connection of the database.
 * Requests whose caller has disconnected may take a moment to end.
 *
 * @throws Error naming the gauges that stay above 0
 */
export async function expectNothingInFlight(): Promise<void> {
  let held: string[] = [];
  for (let turn = 0; turn < MAX_TURNS; turn += 1) {
    held = (await Promise.all([...gateways].map(async (read) => heldOf(await read())))).flat();
    if (held.length === 0) return;
    await sleep(TURN_MS);
  }
  throw new Error(`after this test a gateway still holds: ${held.join(', ')}`);
}

/** The samples of the text format that are looked at. */
export function samplesOf(page: string): Sample[] {
  const samples: Sample[] = [];
  for (const [, name = '', labels = '', value = ''] of page.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
    if (!isInFlightGauge(name)) continue;
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]);
    samples.push({ name, labels: Object.fromEntries(pairs), value: Number(value) });
  }
  return samples;
}

function heldOf(samples: Sample[]): string[] {
  const held = samples
    .filter(({ name, value }) => name !== CONNECTIONS && value !== 0)
    .map(({ name, labels, value }) => `${name}${JSON.stringify(labels)} = ${value}`);
  const connections = samples.filter(({ name }) => name === CONNECTIONS);
  const sum = (state: string): number =>
    connections.filter(({ labels }) => labels.state === state).reduce((all, { value }) => all + value, 0);
  const leased = sum('total') - sum('idle');
  return leased === 0 ? held : [...held, `connections of the database = ${leased}`];
}
