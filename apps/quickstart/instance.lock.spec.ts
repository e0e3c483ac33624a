import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { InstanceLock } from './instance.lock';

describe('InstanceLock', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prism-lock-'));
    file = join(folder, 'npm-start.lock');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('rejects a second holder and names the URL of the first', () => {
    const lock = InstanceLock.acquire(file);
    expect(() => InstanceLock.acquire(file)).toThrow(`process ${process.pid} is starting`);
    lock.announce('http://127.0.0.1:3000');
    expect(() => InstanceLock.acquire(file)).toThrow('serves http://127.0.0.1:3000');
    lock.release();
    InstanceLock.acquire(file).release();
    expect(existsSync(file)).toBe(false);
  });

  it('ignores the lock of a process that has ended, also if another process has its id', () => {
    writeFileSync(file, JSON.stringify({ pid: process.pid, started: 'another time' }));
    InstanceLock.acquire(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
  });
});
