import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database';
import { RawSocket } from '../support/raw.socket';

const PROGRAM = join(__dirname, '../../dist/apps/gateway/main.js');

let database: TestDatabase;
let running: ChildProcess[] = [];

beforeAll(async () => {
  expect(existsSync(PROGRAM), 'the program is built: npm run build').toBe(true);
  database = await createDatabase();
});

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running = [];
});

afterAll(() => database.drop());

interface LogLine {
  level: string;
  msg: string;
  [member: string]: unknown;
}

/** The built program, with nothing in its environment but what it is given. */
class Gateway {
  private out = '';
  private error = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.error += chunk.toString()));
  }

  static start(env: Record<string, string> = {}): Gateway {
    const all = { HOST: '127.0.0.1', PORT: '0', METRICS_HOST: '127.0.0.1', METRICS_PORT: '0', ...env };
    const child = spawn(process.execPath, [PROGRAM], {
      env: { DATABASE_URL: database.url, DRAIN_DELAY_MS: '0', ...all },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    return new Gateway(child);
  }

  get stderr(): string {
    return this.error;
  }

  get stdout(): string {
    return this.out;
  }

  get lines(): LogLine[] {
    return this.out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine); // each line is JSON, or this fails
  }

  async line(msg: string): Promise<LogLine> {
    const find = (): LogLine | undefined => this.lines.find((line) => line.msg === msg);
    await expect.poll(find, { timeout: 20_000, message: `the line '${msg}'` }).toBeDefined();
    return find() ?? { level: '', msg };
  }

  async listening(): Promise<{ api: string; admin: string }> {
    const { port, metrics_port: metricsPort } = await this.line('listening');
    return { api: `http://127.0.0.1:${String(port)}`, admin: `http://127.0.0.1:${String(metricsPort)}` };
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async exit(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

describe('the gateway as a process', () => {
  it('says where it listens, and serves the API and the metrics there', async () => {
    const gateway = Gateway.start();
    const { api, admin } = await gateway.listening();
    expect((await fetch(`${api}/health/ready`)).status).toBe(200);
    expect((await fetch(`${admin}/metrics`)).status).toBe(200);
    expect((await fetch(`${api}/metrics`)).status).toBe(404);
  });

  it('writes one line per request, with its id and outcome and without its key', async () => {
    const gateway = Gateway.start();
    const { api } = await gateway.listening();
    const headers = { 'x-api-key': 'prism_secret', 'x-request-id': 'my-request' };
    await fetch(`${api}/v2/prism/x/organization/batch/update`, { method: 'POST', headers });
    expect(await gateway.line('request')).toMatchObject({
      level: 'info',
      request_id: 'my-request',
      method: 'POST',
      route: '/v2/prism/:team/:object/batch/update',
      status: 403,
      duration_ms: expect.any(Number) as number,
    });
    expect(gateway.stdout).not.toContain('prism_secret');
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends with 0 on %s', async (signal) => {
    const gateway = Gateway.start();
    const { api, admin } = await gateway.listening();
    gateway.signal(signal);
    expect(await gateway.exit()).toBe(0);
    expect(gateway.lines.at(-1)?.msg).toBe('stopped');
    await expect(fetch(api)).rejects.toThrow();
    await expect(fetch(admin)).rejects.toThrow();
  });

  it('goes on for the drain delay, and ends at once on a second signal', async () => {
    const gateway = Gateway.start({ DRAIN_DELAY_MS: '60000' });
    const { api } = await gateway.listening();
    gateway.signal('SIGTERM');
    await gateway.line('stopping');
    expect((await fetch(`${api}/health/ready`)).status).toBe(503);
    expect((await fetch(`${api}/health/live`)).status).toBe(200);
    gateway.signal('SIGINT');
    expect(await gateway.exit()).toBe(130);
  });

  it('ends although a connection is open on which nothing is asked', async () => {
    const gateway = Gateway.start();
    const { api } = await gateway.listening();
    const silent = await RawSocket.open(api);
    gateway.signal('SIGTERM');
    expect(await gateway.exit()).toBe(0);
    expect(await silent.end()).toBe('');
  });

  it('starts without Postgres, and is not ready', async () => {
    const gateway = Gateway.start({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' });
    const { api } = await gateway.listening();
    expect((await fetch(`${api}/health/live`)).status).toBe(200);
    expect((await fetch(`${api}/health/ready`)).status).toBe(503);
  });

  it('names every bad setting on standard error, without a stack, and ends with 1', async () => {
    const gateway = Gateway.start({ DATABASE_URL: '', PORT: 'many' });
    expect(await gateway.exit()).toBe(1);
    expect(gateway.stderr).toContain('DATABASE_URL');
    expect(gateway.stderr).toContain('PORT');
    expect(gateway.stderr).not.toMatch(/\n\s+at /);
    expect(gateway.stdout).toBe('');
  });

  it('ends with 1 and says why when its port is taken', async () => {
    const first = Gateway.start();
    const { api } = await first.listening();
    const second = Gateway.start({ PORT: new URL(api).port });
    expect(await second.exit()).toBe(1);
    expect(second.lines.at(-1)).toMatchObject({ level: 'fatal', err: { code: 'EADDRINUSE' } });
  });
});
