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
const linesOf = (folder: string): string[] => readFileSync(pidFile(folder), 'utf8').split('\n').slice(1);

describe('acquireLock', () => {
  it('leaves only its pid file, until it is released', () => {
    const folder = join(newFolder(), 'new');
    const release = acquireLock(folder);
    expect(readdirSync(folder)).toEqual(['npm-start.pid']);
    expect(linesOf(folder)).toEqual([identityOf(process.pid)]);
    release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('throws each time if the start of the pid file is running', async () => {
    const folder = newFolder();
    const pid = await start();
    writeFileSync(pidFile(folder), identityOf(pid));
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      expect(() => acquireLock(folder)).toThrow(`already running: process ${pid}. Stop it`);
      expect(readdirSync(folder)).toEqual(['npm-start.pid']);
    }
  });

  it('gives the folder to the first of the starts that run', async () => {
    const folder = newFolder();
    const [one, two] = [await start(), await start()];
    writeFileSync(pidFile(folder), ['', '999999999 1', identityOf(two), identityOf(one)].join('\n'));
    expect(() => acquireLock(folder)).toThrow(`already running: process ${two}. Stop it`);
  });

  it('ignores another program that has the process id of an earlier start', async () => {
    const folder = newFolder();
    writeFileSync(pidFile(folder), `${await start()} 1`);
    acquireLock(folder);
    expect(linesOf(folder)).toEqual([identityOf(process.pid)]);
  });

  // A container gives each start the same process id.
  it.each(['', '999999999', '999999999 ', `${process.pid}`, `${process.pid} 1`])(
    'ignores a pid file that contains %j',
    (content) => {
      const folder = newFolder();
      writeFileSync(pidFile(folder), content);
      acquireLock(folder);
      expect(linesOf(folder)).toEqual([identityOf(process.pid)]);
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
