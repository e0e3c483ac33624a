import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock, identityOf } from './start.lock';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'prism start lock '));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** The process id of a program that runs until the end of the test. */
async function start(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 60_000)']);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await once(child, 'spawn');
  return child.pid ?? 0;
}

const pidFile = (folder: string): string => join(folder, 'npm-start.pid');
const contentOf = (folder: string): string => readFileSync(pidFile(folder), 'utf8');

describe('acquireLock', () => {
  it('leaves only its pid file, until it is released', () => {
    const folder = join(newFolder(), 'new');
    const release = acquireLock(folder);
    expect(readdirSync(folder)).toEqual(['npm-start.pid']);
    expect(contentOf(folder)).toBe(identityOf(process.pid));
    release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('throws if the start of the pid file is running', async () => {
    const folder = newFolder();
    const pid = await start();
    writeFileSync(pidFile(folder), identityOf(pid));
    expect(() => acquireLock(folder)).toThrow(`already running: process ${pid}. Stop it`);
    expect(contentOf(folder)).toBe(identityOf(pid));
    expect(readdirSync(folder)).toEqual(['npm-start.pid']);
  });

  it('ignores another program that has the process id of an earlier start', async () => {
    const folder = newFolder();
    writeFileSync(pidFile(folder), `${await start()} 1`);
    acquireLock(folder);
    expect(contentOf(folder)).toBe(identityOf(process.pid));
  });

  // A container gives each start the same process id.
  it.each(['', '999999999', '999999999 ', `${process.pid}`, `${process.pid} 1`])(
    'replaces a pid file that contains %j',
    (content) => {
      const folder = newFolder();
      writeFileSync(pidFile(folder), content);
      acquireLock(folder);
      expect(contentOf(folder)).toBe(identityOf(process.pid));
    },
  );

  it('names the folder that it cannot write to', () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    expect(() => acquireLock(file)).toThrow(`cannot write to ${file}. Run npm start as the owner`);
  });
});

describe('identityOf', () => {
  it('stays the same, and tells processes apart', async () => {
    const pid = await start();
    expect(identityOf(pid)).toMatch(/^\d+ ./);
    expect(identityOf(pid)).toBe(identityOf(pid));
    expect(identityOf(999_999_999)).toBe('999999999 ');
  });
});
