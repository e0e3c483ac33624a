import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample } from './metrics.page';

type ReadSamples = () => Promise<Sample[]>;

/** Gauges of resources that requests hold, by naming convention. */
const IN_FLIGHT = /^prism_(\w+_(in_flight|queue_length|waiting|leases|claims)(_bytes)?|admission_\w+_bytes)$/;
const CONNECTIONS = 'prism_database_pool_connections';
/** Gauges that every gateway must have, so that a renamed one fails the check. */
const REQUIRED_GAUGES = [
  'prism_admission_requests_in_flight',
  'prism_admission_items_in_flight',
  'prism_admission_body_bytes',
  'prism_admission_heap_bytes',
  'prism_admission_response_bytes',
  'prism_admission_queue_length',
  CONNECTIONS,
] as const;
const MAX_READINGS = 1_000;
const READING_INTERVAL_MS = 10;

/** The running gateways of this test file. */
const gateways = new Set<ReadSamples>();

/** @returns a function to call when the gateway is closed */
export function watchInFlight(read: ReadSamples): () => void {
  gateways.add(read);
  return () => gateways.delete(read);
}

export function isInFlightGauge(name: string): boolean {
  return IN_FLIGHT.test(name) || name === CONNECTIONS;
}

/**
 * Waits until no gateway holds a resource of a request: no permit, no queued request, no database connection.
 * Requests whose caller has disconnected may take a moment to end.
 *
 * @throws Error naming the gauges that stay above 0, or are missing
 */
export async function expectNothingInFlight(): Promise<void> {
  let held: Record<string, number>[] = [];
  for (let reading = 0; reading < MAX_READINGS; reading += 1) {
    const all = await Promise.all([...gateways].map(async (read) => heldOf(await read())));
    held = all.filter((gauges) => Object.keys(gauges).length > 0);
    if (held.length === 0) return;
    await sleep(READING_INTERVAL_MS);
  }
  throw new Error(`after this test a gateway still holds: ${held.map((gauges) => JSON.stringify(gauges)).join(', ')}`);
}

/** The gauges of resources of requests that are not 0, of one gateway. @throws Error if a required gauge is missing */
export function heldOf(samples: readonly Sample[]): Record<string, number> {
  const names = new Set(samples.map(({ name }) => name));
  const missing = REQUIRED_GAUGES.filter((name) => !names.has(name));
  if (missing.length > 0) throw new Error(`the gateway has no metric ${missing.join(', ')}`);
  const held = samples
    .filter(({ name, value }) => IN_FLIGHT.test(name) && value !== 0)
    .map(({ name, labels, value }) => [`${name}${JSON.stringify(labels)}`, value] as const);
  const connections = samples.filter(({ name }) => name === CONNECTIONS);
  const sum = (state: string): number =>
    connections.filter(({ labels }) => labels.state === state).reduce((all, { value }) => all + value, 0);
  const leased = sum('total') - sum('idle');
  return Object.fromEntries(leased === 0 ? held : [...held, ['leased database connections', leased]]);
}
