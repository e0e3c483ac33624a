import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REFERENCES, writeReferences } from './references';

describe.each(Object.keys(REFERENCES))('docs/%s', (name) => {
  let folder: string;
  let generated: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prism docs '));
    await writeReferences(folder);
    generated = await readFile(join(folder, name), 'utf8');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is up to date', async () => {
    const committed = await readFile(join(__dirname, '../../docs', name), 'utf8');
    expect(committed, `docs/${name} is out of date: run npm run build && npm run docs`).toBe(generated);
  });

  it('is formatted as prettier formats it', async () => {
    expect(await format(generated, { parser: 'markdown', printWidth: 120 })).toBe(generated);
  });
});
