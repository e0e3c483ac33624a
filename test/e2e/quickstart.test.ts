// @module-tag redis-server
// @module-tag curl
// @module-tag ps
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname } from 'node:path';

import { afterEach, describe, expect, it, onTestFinished } from 'vitest';

import { createDatabase } from '../support/database';
import { allEnded, type CurlResponse, isRunning, ProjectCopy } from './quickstart.harness';

const started: number[] = [];

/** One success, one missing record, one invalid value, one invalid id. */
function expectPartialSuccess(response: CurlResponse): void {
  expect(response.results.map(({ status, error }) => error?.code ?? status)).toEqual([
    'ok',
    'not_found',
    'invalid_property',
    'invalid_item',
  ]);
}

function newProject(options?: { closed: boolean }): ProjectCopy {
  const project = new ProjectCopy(options);
  onTestFinished(() => {
    project.remove();
  });
  return project;
}

describe('npm start', { timeout: 90_000 }, () => {
  afterEach(async () => {
    await allEnded(started.splice(0));
  });

  it('stops the servers that an earlier start left running after kill -9, and keeps the data', async () => {
    const project = newProject();
    const first = await project.start({ PRISM_QUICKSTART_POSTGRES: 'system' }).ready();
    const servers = project.pids();
    started.push(first.pid, ...Object.values(servers));
    expect(Object.keys(servers).sort()).toEqual(['gateway', 'postgres', 'redis', 'worker']);
    expect(first.output).toMatch(/postgres +\d+\.\d+ system/);
    expect(first.output).toMatch(/redis +\d+\.\d+\.\d+ system/);
    const response = first.paste();
    expectPartialSuccess(response);
    expect(response.replayed).toBe(false);
    expect(first.paste()).toEqual({ ...response, replayed: true });

    const concurrent = project.start();
    expect(await concurrent.ended()).toBe(1);
    expect(concurrent.output).toContain(`already running: process ${first.pid} serves ${first.url ?? ''}`);

    await first.signal('SIGKILL');
    expect(Object.values(servers).every(isRunning)).toBe(true);

    const second = await project.start().ready();
    started.push(second.pid, ...Object.values(project.pids()));
    expect(second.output).toContain('stopped what an earlier start left running: gateway, worker, redis, postgres');
    expect(Object.values(servers).some(isRunning)).toBe(false);
    expect(second.output).not.toMatch(/migrations? applied/);
    expect(second.apiKey).toBe(first.apiKey);
    expect((await second.record()).default).toMatchObject({ name: 'Acme', stage: 'won', employees: 250 });
    expectPartialSuccess(second.paste());
    expect(await second.signal('SIGINT')).toBe(0);
  });

  it('runs the embedded Postgres, also if the user that runs it cannot reach the project', async () => {
    const project = newProject({ closed: true });
    const run = project.start({ PRISM_QUICKSTART_POSTGRES: 'embedded' });
    const folderElsewhere = () => /data in (\/\S+)/.exec(run.output)?.[1];
    onTestFinished(() => {
      const folder = folderElsewhere();
      if (folder !== undefined) rmSync(dirname(folder), { recursive: true });
    });
    await run.ready();
    started.push(run.pid, ...Object.values(project.pids()));
    // Only root runs Postgres as another user.
    expect(folderElsewhere() !== undefined).toBe(process.getuid?.() === 0);
    expect(run.output).toMatch(/postgres +\d+\.\d+ embedded/);
    expect(run.output).toMatch(/redis +none/);
    const response = run.paste();
    expectPartialSuccess(response);
    expect(run.paste()).toEqual({ ...response, replayed: true });
    expect(await run.signal('SIGTERM')).toBe(0);
  });

  it('uses the database of DATABASE_URL, and reports how a gateway that was killed ended', async () => {
    const database = await createDatabase({ migrated: false });
    onTestFinished(() => database.drop());
    const project = newProject();
    const run = await project.start({ DATABASE_URL: database.url }).ready();
    const { gateway = 0, worker = 0, ...others } = project.pids();
    started.push(run.pid, gateway, worker);
    expect(others).toEqual({});
    expect(run.output).toMatch(/postgres +given/);
    expect(run.output).toMatch(/redis +none/);
    expectPartialSuccess(run.paste());

    process.kill(gateway, 'SIGKILL');
    expect(await run.ended()).toBe(1);
    expect(run.output).toMatch(/gateway ended: SIGKILL\s+the end of \.data\/gateway\.log:/);
  });

  it('names the port that is in use, and stops what it started', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => {
      other.close();
    });
    const { port } = other.address() as AddressInfo;
    const database = await createDatabase({ migrated: false });
    onTestFinished(() => database.drop());
    const project = newProject();
    const run = project.start({ DATABASE_URL: database.url, PORT: String(port) });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain(`port ${port} of 127.0.0.1 is in use. Choose another: PORT=0 npm start`);
    expect(project.pids()).toEqual({});
  });

  it('does not run in production', async () => {
    const run = newProject().start({ NODE_ENV: 'production' });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain('never for production');
  });
});
