import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readScript } from './script.file';

describe('readScript', () => {
  const directory = mkdtempSync(join(tmpdir(), 'scripts-'));

  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it("reads the text, and the number of keys from the file's name", () => {
    const path = join(directory, 'move-12.lua');
    writeFileSync(path, 'return 1');
    expect(readScript(path)).toEqual({ lua: 'return 1', keys: 12 });
  });

  it('refuses a name without a number of keys', () => {
    expect(() => readScript(join(directory, 'move.lua'))).toThrow('as in claim-1.lua');
  });

  it('refuses a file that is not there', () => {
    expect(() => readScript(join(directory, 'absent-1.lua'))).toThrow('ENOENT');
  });
});
