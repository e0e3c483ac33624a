// @module-tag redis-server
// @module-tag curl
// @module-tag ps
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { afterEach, describe, expect, it, onTestFinished } from 'vitest';

import { createDatabase } from '../support/database';
import { startRedis } from '../support/redis.server';
import { allEnded, expectPartialSuccess, isRunning, newProject, WITHOUT_REDIS } from './quickstart.harness';

const started: number[] = [];

describe('npm start', { timeout: 90_000 }, () => {
  afterEach(async () => {
    await allEnded(started.splice(0));
  });

  it('leaves only Postgres after kill -9, stops it at the next start, and keeps the data', async () => {
    const project = newProject();
    const redis = await startRedis();
    onTestFinished(() => redis.kill());
    const first = await project.start({ REDIS_URL: redis.url }).ready();
    const { gateway = 0, worker = 0, postgres = 0, ...others } = first.servers();
    started.push(first.pid, gateway, worker, postgres);
    expect([gateway, worker, postgres].every(isRunning)).toBe(true);
    expect(others).toEqual({});
    expect(first.output).toMatch(/redis +your server/);
    const response = first.paste();
    expectPartialSuccess(response);
    expect(response.replayed).toBe(false);
    expect(first.paste()).toEqual({ ...response, replayed: true });

    const concurrent = project.start();
    expect(await concurrent.ended()).toBe(1);
    expect(concurrent.output).toContain(`already running: process ${first.pid}`);

    await first.signal('SIGKILL');
    await allEnded([gateway, worker]);
    expect(isRunning(postgres)).toBe(true);

    const second = await project.start(WITHOUT_REDIS).ready();
    started.push(second.pid, ...Object.values(second.servers()));
    expect(isRunning(postgres)).toBe(false);
    expect(second.output).toMatch(/schema +up to date/);
    expect(second.apiKey).toBe(first.apiKey);
    expect((await second.record()).default).toMatchObject({ name: 'Acme', stage: 'won', employees: 250 });
    expectPartialSuccess(second.paste());
    expect(await second.signal('SIGINT')).toBe(0);
  });

  it('uses the database of DATABASE_URL, and reports how a gateway that was killed ended', async () => {
    const database = await createDatabase({ migrated: false });
    onTestFinished(() => database.drop());
    const project = newProject();
    const run = await project.start({ ...WITHOUT_REDIS, DATABASE_URL: database.url }).ready();
    const { gateway = 0, worker = 0, ...others } = run.servers();
    started.push(run.pid, gateway, worker);
    expect(others).toEqual({});
    expect(run.output).toMatch(/postgres +your database/);
    expectPartialSuccess(run.paste());

    process.kill(gateway, 'SIGKILL');
    expect(await run.ended()).toBe(1);
    expect(run.output).toMatch(/gateway ended: SIGKILL\s+the end of .*\.data\/gateway\.log:/);
  });

  it('says that the database of DATABASE_URL cannot be reached, without its password', async () => {
    const run = newProject().start({ DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/prism' });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain('ECONNREFUSED');
    expect(run.output).not.toContain('hunter2');
  });

  it('names the port that is invalid or not available, and stops what it started', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => {
      other.close();
    });
    const { port } = other.address() as AddressInfo;
    const database = await createDatabase({ migrated: false });
    onTestFinished(() => database.drop());
    const project = newProject();
    const env = { ...WITHOUT_REDIS, DATABASE_URL: database.url };
    const run = project.start({ ...env, PORT: String(port) });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain(`port ${port} of 127.0.0.1 is not available. Choose another: PORT=0 npm start`);
    expect(run.servers()).toEqual({});

    const invalid = project.start({ ...env, PORT: 'abc' });
    expect(await invalid.ended()).toBe(1);
    expect(invalid.output).toContain('PORT must be a port number');
  });

  it('does not run in production', async () => {
    const run = newProject().start({ NODE_ENV: 'production' });
    expect(await run.ended()).toBe(1);
    expect(run.output).toContain('never for production');
  });
});
