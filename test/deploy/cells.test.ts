// @module-tag haproxy
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Balancer } from '../support/balancer';
import { replaced, shippedConfig } from '../support/shipped.config';
import { type Arrival, GatewayDouble } from './gateway.double';

const FIRST = '00000000-0000-4000-8000-000000000001';
const SECOND = '00000000-0000-4000-8000-000000000002';
const UNKNOWN = '00000000-0000-4000-8000-000000000003';
const CELLS = ['cell-1', 'cell-2'];
/** HAProxy checks a gateway every second, and believes the second result. */
const atNextChecks = { timeout: 15_000 };

const arrivals: Arrival[] = [];
const folder = mkdtempSync(join(tmpdir(), 'prism-cells-'));
const map = join(folder, 'cells.map');
const socket = join(folder, 'admin.sock');
/** The gateways of the first cell (1, 2) and of the second (3, 4). */
let gateways: GatewayDouble[];
let balancer: Balancer;

/** Enables the optional lines on cells. */
function withCells(config: string): string {
  const enabled = config.replaceAll(/^ {2}# (?=(?:http-request|use_backend).*txn\.cell)/gm, '  ');
  return replaced(enabled, '/usr/local/etc/haproxy/cells.map', map);
}

beforeAll(async () => {
  gateways = await Promise.all([1, 2, 3, 4].map((number) => GatewayDouble.start(number, arrivals)));
  writeFileSync(map, shippedConfig('haproxy/cells.map'));
  const cells = gateways.reduce(
    (config, { port }, index) =>
      replaced(config, `cell-${1 + Math.floor(index / 2)}-gateway-${1 + (index % 2)}:3000`, `127.0.0.1:${port}`),
    replaced(shippedConfig('haproxy/cells.cfg'), '/var/run/haproxy/admin.sock', socket),
  );
  const inFirst = gateways.slice(0, 2).map(({ port }) => port);
  balancer = await Balancer.start(inFirst, withCells, cells);
  await balancer.waitUntilUsed(1, 2);
  for (const cell of CELLS) {
    await vi.waitFor(async () => {
      expect((await execute(`show servers state ${cell}`)).match(/ 127\.0\.0\.1 2 /g)).toHaveLength(2);
    });
  }
});

afterEach(() => {
  arrivals.length = 0;
});

afterAll(async () => {
  await balancer.stop();
  await Promise.all(gateways.map((gateway) => gateway.close()));
  rmSync(folder, { recursive: true });
});

/** Executes a command on the admin socket, as `socat` does. */
async function execute(command: string): Promise<string> {
  const connection = connect(socket);
  connection.end(`${command}\n`);
  return text(connection);
}

/** Sends a request. @returns the cell that it reached; undefined: none */
async function send(
  path: string,
): Promise<{ status: number; body: unknown; headers: Headers; cell: number | undefined }> {
  arrivals.length = 0;
  const response = await fetch(balancer.url + path, { headers: { 'x-request-id': 'mine' } });
  const [arrival] = arrivals;
  const cell = arrival && 1 + Math.floor((arrival.gateway - 1) / 2);
  return { status: response.status, body: await response.json(), headers: response.headers, cell };
}

const pathOf = (team: string): string => `/v2/prism/${team}/organization?select=name`;

describe('haproxy.cfg with cells.cfg', () => {
  it('sends each team to its cell', async () => {
    for (let n = 0; n < 4; n++) {
      expect((await send(pathOf(FIRST))).cell).toBe(1);
      expect((await send(pathOf(SECOND))).cell).toBe(2);
    }
    expect((await send(pathOf(SECOND.toUpperCase()))).cell).toBe(2);
  });

  it('sends what names no team to the cell of haproxy.cfg', async () => {
    expect((await send('/openapi.json')).cell).toBe(1);
    expect((await send('/v2/other')).cell).toBe(1);
  });

  it.each([UNKNOWN, 'none', 'cell-1', '', '%00', `${FIRST}x`])(
    'responds to the unknown team "%s" itself',
    async (team) => {
      const { status, body, headers, cell } = await send(pathOf(team));
      expect([status, cell]).toEqual([404, undefined]);
      expect(body).toEqual({ error: { code: 'not_found', message: 'There is no such team.', request_id: 'mine' } });
      expect(headers.get('x-request-id')).toBe('mine');
    },
  );

  it('moves a team while it runs, and asks for retries meanwhile', async () => {
    await execute(`set map ${map} ${FIRST} moving`);
    const { status, body, headers, cell } = await send(pathOf(FIRST));
    expect([status, cell, headers.get('retry-after')]).toEqual([503, undefined, '5']);
    expect(body).toMatchObject({ error: { code: 'unavailable', request_id: 'mine' } });
    expect((await send(pathOf(SECOND))).cell).toBe(2);
    await execute(`set map ${map} ${FIRST} cell-2`);
    expect((await send(pathOf(FIRST))).cell).toBe(2);
    await execute(`set map ${map} ${FIRST} cell-1`);
    expect((await send(pathOf(FIRST))).cell).toBe(1);
  });

  it('gets new teams while it runs', async () => {
    await execute(`add map ${map} ${UNKNOWN} cell-2`);
    expect((await send(pathOf(UNKNOWN))).cell).toBe(2);
    await execute(`del map ${map} ${UNKNOWN}`);
    expect((await send(pathOf(UNKNOWN))).status).toBe(404);
  });

  it('does not send a team to the default backend when its entry names no backend', async () => {
    await execute(`set map ${map} ${SECOND} cell-9`);
    const { status, cell } = await send(pathOf(SECOND));
    expect([status, cell]).toEqual([404, undefined]);
    await execute(`set map ${map} ${SECOND} cell-2`);
    expect((await send(pathOf(SECOND))).cell).toBe(2);
  });

  it('keeps the other cells when one is down', async () => {
    for (const gateway of gateways.slice(2)) gateway.ready = false;
    await expect.poll(async () => (await send(pathOf(SECOND))).status, atNextChecks).toBe(503);
    expect((await send(pathOf(FIRST))).cell).toBe(1);
    for (const gateway of gateways.slice(2)) gateway.ready = true;
    await expect.poll(async () => (await send(pathOf(SECOND))).cell, atNextChecks).toBe(2);
  });
});
