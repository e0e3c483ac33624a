import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { createDatabase, type TestDatabase } from '../support/database';
import { ProgramProcess } from '../support/program.process';
import { freePort } from '../support/free.port';

const CALLERS = 8;
const ROUNDS = 3;

let database: TestDatabase;
let url: string;
let gateway: ProgramProcess;
let headers: Record<string, string>;

beforeAll(async () => {
  database = await createDatabase();
  const pool = openDatabase(readSettings({ DATABASE_URL: database.url }));
  const access = AccessService.create(pool);
  const { id } = await access.createTeam('A team');
  const { apiKey } = await access.createKey(id, 'billing', ['records:read', 'records:write']);
  await pool.close();
  const port = await freePort();
  gateway = new ProgramProcess('gateway', {
    port,
    settings: {
      DATABASE_URL: database.url,
      METRICS_PORT: '0',
      LOG_LEVEL: 'warn',
      DRAIN_DELAY_MS: '300',
      DRAIN_GRACE_MS: '1000',
    },
    preloads: [],
  });
  url = `http://127.0.0.1:${port}/v2/prism/${id}/organization`;
  headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
});

afterAll(async () => {
  await gateway.close();
  await database.drop();
});

interface CallerReport {
  responses: number;
  /** Requests without a response, but for the last one: it was refused because the gateway no longer listens. */
  lost: string[];
}

/** Calls until a connection is refused. @param pauseMs between two requests, in which the connection is idle */
async function callInLoop(pauseMs: number, onResponse: () => void): Promise<CallerReport> {
  const report: CallerReport = { responses: 0, lost: [] };
  const body = JSON.stringify({ default: { name: 'Acme' } });
  for (;;) {
    try {
      const response = await fetch(url, { method: 'POST', headers, body });
      await response.arrayBuffer();
      if (response.status === 201) report.responses += 1;
      else report.lost.push(`status ${response.status}`);
      onResponse();
    } catch (error) {
      const { code = 'no code', message = '' } = (error as { cause?: { code?: string; message?: string } }).cause ?? {}; // of undici
      if (code === 'ECONNREFUSED') return report;
      report.lost.push(`${code} ${message}`);
    }
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

it('callers that connect directly lose no request at a SIGTERM', { timeout: 120_000 }, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    await gateway.start();
    let responses = 0;
    let warm: () => void = () => undefined;
    const flowing = new Promise<void>((resolve) => (warm = resolve));
    // Half of them pause, so that their connections are idle when the listener is closed.
    const callers = Array.from({ length: CALLERS }, (_, n) =>
      callInLoop(n % 2 === 0 ? 0 : 50 * n, () => {
        responses += 1;
        if (responses === 10 * CALLERS) warm();
      }),
    );
    await flowing;
    await gateway.drain();
    const reports = await Promise.all(callers);
    expect(reports.flatMap(({ lost }) => lost)).toEqual([]);
    for (const report of reports) expect(report.responses).toBeGreaterThan(0);
  }
  expect(gateway.failures).toEqual([]);
});
