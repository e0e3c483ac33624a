// @module-tag redis-server
// @module-tag curl
// @module-tag ps
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { afterEach, describe, expect, it, onTestFinished } from 'vitest';

import { createDatabase } from '../support/database';
import { allGone, type CurlResponse, ProjectCopy } from './quickstart.harness';

const running: number[] = [];

/** One success, one missing record, one bad value, one bad id. */
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
  // Whatever a test does to it, in the end none of its processes is left.
  afterEach(async () => {
    await allGone(running.splice(0));
  });

  it('shows partial success, survives kill -9 without leaving a process, and keeps the data', async () => {
    const project = newProject();
    const first = await project.start({ PRISM_QUICKSTART_POSTGRES: 'system' }).ready();
    running.push(first.pid, ...project.pids());
    expect(first.output).toMatch(/postgres +\d+\.\d+ system/);
    expect(first.output).toMatch(/redis +\d+\.\d+\.\d+ system/);
    const response = first.paste();
    expectPartialSuccess(response);
    expect(response.replayed).toBe(false);
    expect(first.paste()).toEqual({ ...response, replayed: true });

    const beside = project.start();
    expect(await beside.ended()).toBe(1);
    expect(beside.output).toContain(`it is running already: process ${first.pid} answers on ${first.url ?? ''}`);

    const pids = project.pids();
    expect(pids).toHaveLength(4);
    await first.signal('SIGKILL');
    await allGone(pids);

    const second = await project.start().ready();
    running.push(second.pid, ...project.pids());
    // What made the first start slow is not done again.
    expect(second.output).not.toMatch(/migrations? applied/);
    expect(second.apiKey).toBe(first.apiKey);
    expect((await second.record()).default).toMatchObject({ name: 'Acme', stage: 'won', employees: 250 });
    expectPartialSuccess(second.paste());
    expect(await second.signal('SIGINT')).toBe(0);
  });

  it('brings its own Postgres where there is none, also where its user cannot go, and ends if its keeper does', async () => {
    const project = newProject({ closed: true });
    const run = project.start({ PRISM_QUICKSTART_POSTGRES: 'embedded' });
    const elsewhere = () => /data in (\/\S+)/.exec(run.output)?.[1];
    onTestFinished(() => {
      const folder = elsewhere();
      if (folder !== undefined) rmSync(dirname(folder), { recursive: true });
    });
    await run.ready();
    const [supervisor = 0, ...programs] = project.pids();
    running.push(run.pid, supervisor, ...programs);
    // Only root has another user run Postgres, who then needs another place.
    expect(elsewhere() !== undefined).toBe(process.getuid?.() === 0);
    expect(run.output).toMatch(/postgres +\d+\.\d+ embedded/);
    expect(run.output).toMatch(/redis +none/);
    const response = run.paste();
    expectPartialSuccess(response);
    expect(run.paste()).toEqual({ ...response, replayed: true });

    process.kill(supervisor, 'SIGKILL');
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain('the keeper, which runs the services, has been ended');
    await allGone([supervisor, ...programs]);
  });

  it('uses the database that it is given, and says how the gateway ended', async () => {
    const database = await createDatabase({ migrated: false });
    onTestFinished(() => database.drop());
    const project = newProject();
    const run = await project.start({ DATABASE_URL: database.url }).ready();
    const [supervisor = 0, gateway = 0, ...others] = project.pids();
    running.push(run.pid, supervisor, gateway);
    expect(others).toEqual([]);
    expect(run.output).toMatch(/postgres +given/);
    expect(run.output).toMatch(/redis +none/);
    expectPartialSuccess(run.paste());

    process.kill(gateway, 'SIGKILL');
    expect(await run.ended()).toBe(1);
    expect(run.output).toMatch(/gateway: ended by SIGKILL\s+the end of \.data\/gateway\.log:/);
  });

  it('refuses to run in production', async () => {
    const run = newProject().start({ NODE_ENV: 'production' });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain('never for production');
  });
});
