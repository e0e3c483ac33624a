import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Admission } from '#libs/limits';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';
import { expectNothingInFlight } from '../../support/in-flight';

const api = useGateway();
/** Together large enough that they are rendered in sections. */
const PROPERTIES = 400;

let caller: ApiClient;
/** The sections in which properties were rendered. */
let sections: number;
/** While true, the next section does not begin. */
let isPaused: boolean;

beforeEach(async () => {
  caller = await api.gateway.newCaller();
  await api.gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     SELECT $1, 'deal', gen_random_uuid(), 'other_' || n, 'num', repeat('x', 100) || n FROM generate_series(1, $2::integer) AS n`,
    [caller.teamId, PROPERTIES],
  );
  sections = 0;
  isPaused = true;
  const { cpu } = api.gateway.app.get(Admission);
  const measure = cpu.measure.bind(cpu);
  vi.spyOn(cpu, 'measure').mockImplementation((client, stage, section) => {
    if (stage !== 'render') return measure(client, stage, section);
    sections += 1;
    return slowly(section);
  });
  vi.spyOn(cpu, 'pauseMs').mockImplementation(() => (isPaused && sections > 0 ? 1 : 0));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs a section by a clock that advances by 1 ms with each reading. */
function slowly<T>(section: () => T): T {
  let now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1));
  try {
    return section();
  } finally {
    clock.mockRestore();
  }
}

it.each(['properties', 'deal/properties'])(
  '%s of a team with many are rendered while another request is served',
  async (path) => {
    const rendered = caller.call('GET', caller.path(path));
    await expect.poll(() => sections).toBe(1);
    // Without an API key: it waits for no permit.
    const other = await caller.call('GET', '/health/live', { headers: { 'x-api-key': '' } });
    expect([other.status, sections]).toEqual([200, 1]);
    isPaused = false;
    const { status, body }: ApiResponse = await rendered;
    expect(status).toBe(200);
    expect(Object.keys(body.deal).length).toBeGreaterThan(PROPERTIES);
    // A section of 4 ms renders four properties.
    expect(sections).toBeGreaterThanOrEqual(PROPERTIES / 4);
  },
);

it('a client that disconnects while its properties are rendered ends the rendering, and leaves nothing in flight', async () => {
  const { hostname, port } = new URL(caller.url);
  const accepted = once(api.gateway.app.getHttpServer(), 'connection');
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET ${caller.path('properties')} HTTP/1.1\r\nhost: gateway\r\nx-api-key: ${caller.credentials.apiKey}\r\n\r\n`,
  );
  await expect.poll(() => sections).toBe(1);
  const [connection] = await accepted;
  const closed = once(connection, 'close');
  socket.destroy();
  await closed;
  isPaused = false;
  await expectNothingInFlight();
  // The one that finds out.
  expect(sections).toBe(2);
});
