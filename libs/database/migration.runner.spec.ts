import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readMigrations } from './migration.runner';

function folderWith(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'prism-migrations-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe('readMigrations', () => {
  it('reads the SQL files in the order of their numbers, and nothing else', () => {
    const folder = folderWith({ '0010_b.sql': 'SELECT 10', '0002_a.sql': 'SELECT 2', 'notes.md': '' });
    expect(readMigrations(folder)).toMatchObject([
      { name: '0002_a', sql: 'SELECT 2' },
      { name: '0010_b', sql: 'SELECT 10' },
    ]);
  });

  it('gives a file that was edited another checksum', () => {
    const [before] = readMigrations(folderWith({ '0001_a.sql': 'SELECT 1' }));
    const [after] = readMigrations(folderWith({ '0001_a.sql': 'SELECT 1 ' }));
    expect(before?.checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(after?.checksum).not.toBe(before?.checksum);
  });

  it('finds the product’s own, numbered without a gap', () => {
    const numbers = readMigrations().map(({ name }) => Number(name.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });
});
