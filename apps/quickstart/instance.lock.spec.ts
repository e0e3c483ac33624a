import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { InstanceLock } from './instance.lock';

describe('the lock of a data folder', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prism-lock-'));
    file = join(folder, 'quickstart.lock');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('is held by one at a time, and says where that one answers', () => {
    const lock = InstanceLock.acquire(file);
    expect(() => InstanceLock.acquire(file)).toThrow(`process ${process.pid} is just starting`);
    lock.announce('http://127.0.0.1:3000');
    expect(() => InstanceLock.acquire(file)).toThrow('answers on http://127.0.0.1:3000');
    lock.release();
    InstanceLock.acquire(file).release();
    expect(existsSync(file)).toBe(false);
  });

  it('counts for nothing when its holder has died, also if the number went to another process', () => {
    writeFileSync(file, JSON.stringify({ pid: process.pid, started: 'another time' }));
    InstanceLock.acquire(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
  });
});
