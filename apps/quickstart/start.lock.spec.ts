import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock } from './start.lock';

const SCRIPT = 'dist/apps/quickstart/main.js';

/** A folder that has a script instead of the quickstart. */
function newProject(): string {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'prism start lock ')));
  onTestFinished(() => {
    rmSync(project, { recursive: true });
  });
  mkdirSync(join(project, dirname(SCRIPT)), { recursive: true });
  mkdirSync(join(project, '.data'));
  writeFileSync(join(project, SCRIPT), "console.log('started'); setInterval(() => undefined, 60_000);");
  return project;
}

/** Runs the script of a project. Resolves with the process id. */
async function start(project: string, script: string, cwd = project): Promise<number> {
  const child = spawn(process.execPath, [script], { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

const pidFile = (project: string): string => join(project, '.data/npm-start.pid');
const acquire = (project: string): (() => void) => acquireLock(join(project, '.data'), join(project, SCRIPT));

describe('acquireLock', () => {
  it('leaves only its pid file, until it is released', () => {
    const project = newProject();
    const release = acquire(project);
    expect(readdirSync(join(project, '.data'))).toEqual(['npm-start.pid']);
    expect(readFileSync(pidFile(project), 'utf8')).toBe(String(process.pid));
    release();
    expect(readdirSync(join(project, '.data'))).toEqual([]);
  });

  it.each([
    ['a relative path', () => SCRIPT, undefined],
    ['an absolute path', (project: string) => join(project, SCRIPT), '/'],
  ])('throws if the same project was started by %s', async (_name, script, cwd) => {
    const project = newProject();
    const pid = await start(project, script(project), cwd);
    writeFileSync(pidFile(project), String(pid));
    expect(() => acquire(project)).toThrow(`already running: process ${pid}`);
    expect(readFileSync(pidFile(project), 'utf8')).toBe(String(pid));
  });

  it('ignores the start of another project that has the process id of an earlier start', async () => {
    const project = newProject();
    const other = newProject();
    writeFileSync(pidFile(project), String(await start(other, SCRIPT)));
    acquire(project);
    expect(readFileSync(pidFile(project), 'utf8')).toBe(String(process.pid));
  });

  it.each(['', '999999999', String(process.pid)])('replaces a pid file that contains %j', (content) => {
    const project = newProject();
    writeFileSync(pidFile(project), content);
    acquire(project);
    expect(readFileSync(pidFile(project), 'utf8')).toBe(String(process.pid));
  });

  it('names the folder that it cannot write to', () => {
    const folder = join(newProject(), SCRIPT);
    expect(() => acquireLock(folder, SCRIPT)).toThrow(`cannot write to ${folder}. Run npm start as the owner`);
  });
});
