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

  it('reads the script, and the number of keys from the file name', () => {
    const path = join(directory, 'move-12.lua');
    writeFileSync(path, 'return 1');
    expect(readScript(path)).toEqual({ lua: 'return 1', keys: 12 });
  });

  it('rejects a name without a number of keys', () => {
    expect(() => readScript(join(directory, 'move.lua'))).toThrow('as in claim-1.lua');
  });

  it('rejects a file that does not exist', () => {
    expect(() => readScript(join(directory, 'absent-1.lua'))).toThrow('ENOENT');
  });
});
