// @module-tag curl
// @module-tag ps
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { allEnded, expectPartialSuccess, newProject, WITHOUT_REDIS } from './quickstart.harness';

const started: number[] = [];

describe('npm start', () => {
  afterEach(async () => {
    await allEnded(started.splice(0));
  });

  it('allows one of two starts at once after a start that was killed', async () => {
    const project = newProject();
    mkdirSync(join(project.folder, '.data'));
    writeFileSync(join(project.folder, '.data/npm-start.pid'), '999999999');
    const [one, two] = [project.start(WITHOUT_REDIS), project.start(WITHOUT_REDIS)];
    const loser = await Promise.race([one, two].map((run) => run.ended().then(() => run)));
    const winner = loser === one ? two : one;
    expect(loser.output).toContain(`already running: process ${winner.pid}`);
    await winner.ready();
    started.push(winner.pid, ...Object.values(winner.servers()));
    expect(await winner.signal('SIGTERM')).toBe(0);
  });

  it('ignores pid files that are empty or whose process id another program has', async () => {
    const project = newProject();
    const first = await project.start(WITHOUT_REDIS).ready();
    started.push(first.pid, ...Object.values(first.servers()));
    expect(await first.signal('SIGTERM')).toBe(0);

    for (const content of [`${process.pid}\n`, '']) {
      writeFileSync(join(project.folder, '.data/npm-start.pid'), content);
      writeFileSync(join(first.postgresHome ?? '', 'data/postmaster.pid'), content);
      const next = await project.start(WITHOUT_REDIS).ready();
      started.push(next.pid, ...Object.values(next.servers()));
      expect(await next.signal('SIGTERM')).toBe(0);
    }
  });

  it('runs Postgres even if the user that runs it cannot reach the project', async () => {
    const project = newProject({ closed: true });
    const run = await project.start(WITHOUT_REDIS).ready();
    started.push(run.pid, ...Object.values(run.servers()));
    // Only root runs Postgres as another user.
    expect(run.postgresHome?.startsWith(project.folder)).toBe(process.getuid?.() !== 0);
    expect(run.output).toMatch(/redis +none/);
    const response = run.paste();
    expectPartialSuccess(response);
    expect(run.paste()).toEqual({ ...response, replayed: true });
    expect(await run.signal('SIGTERM')).toBe(0);
  });
});
