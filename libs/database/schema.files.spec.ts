import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSchemaFiles } from './schema.files';

function directoryWith(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'prism-schema-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  for (const folder of ['migrations', 'functions']) mkdirSync(join(directory, folder));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

describe('readSchemaFiles', () => {
  it('reads migrations in the order of their numbers and ignores other files', () => {
    const files = {
      'migrations/0010_b.sql': 'SELECT 10',
      'migrations/0002_a.sql': 'SELECT 2',
      'migrations/notes.md': '',
    };
    expect(readSchemaFiles(directoryWith(files)).migrations).toMatchObject([
      { name: '0002_a', sql: 'SELECT 2' },
      { name: '0010_b', sql: 'SELECT 10' },
    ]);
  });

  it('reads functions by their names', () => {
    const { functions } = readSchemaFiles(directoryWith({ 'functions/add.sql': 'SELECT 1' }));
    expect(functions).toMatchObject([{ name: 'add', sql: 'SELECT 1' }]);
  });

  it('computes another checksum for a file that was edited', () => {
    const [before] = readSchemaFiles(directoryWith({ 'functions/add.sql': 'SELECT 1' })).functions;
    const [after] = readSchemaFiles(directoryWith({ 'functions/add.sql': 'SELECT 1 ' })).functions;
    expect(before?.checksum).toMatch(/^[0-9a-f]{64}$/);
    expect(after?.checksum).not.toBe(before?.checksum);
  });

  it('finds the migrations of the product, numbered without a gap', () => {
    const numbers = readSchemaFiles().migrations.map(({ name }) => Number(name.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it('finds the functions of the product, one to a file that has its name', () => {
    for (const { name, sql } of readSchemaFiles().functions) {
      const created = [...sql.matchAll(/^CREATE OR REPLACE (?:FUNCTION|PROCEDURE) (\w+)\(/gm)].map((match) => match[1]);
      expect(created).toEqual([name]);
    }
  });
});
