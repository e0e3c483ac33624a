import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { settingsReference } from './settings.reference';

describe('docs/configuration.md', () => {
  it('is what the settings say', () => {
    const written = readFileSync(join(__dirname, '../../docs/configuration.md'), 'utf8');
    expect(written, 'docs/configuration.md is out of date: run npm run docs').toBe(settingsReference());
  });

  it('is formatted as prettier formats it', async () => {
    expect(await format(settingsReference(), { parser: 'markdown', printWidth: 120 })).toBe(settingsReference());
  });
});
