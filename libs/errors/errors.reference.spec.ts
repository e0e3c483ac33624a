import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { errorsReference } from './errors.reference';

describe('docs/errors.md', () => {
  it('is what the catalogues say', () => {
    const written = readFileSync(join(__dirname, '../../docs/errors.md'), 'utf8');
    expect(written, 'docs/errors.md is out of date: run npm run docs').toBe(errorsReference());
  });

  it('is formatted as prettier formats it', async () => {
    expect(await format(errorsReference(), { parser: 'markdown', printWidth: 120 })).toBe(errorsReference());
  });
});
