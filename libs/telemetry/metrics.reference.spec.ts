import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { metricsReference } from './metrics.reference';

describe('docs/metrics.md', () => {
  it('is what the registry holds', () => {
    const written = readFileSync(join(__dirname, '../../docs/metrics.md'), 'utf8');
    expect(written, 'docs/metrics.md is out of date: run npm run docs').toBe(metricsReference());
  });

  it('is formatted as prettier formats it', async () => {
    expect(await format(metricsReference(), { parser: 'markdown', printWidth: 120 })).toBe(metricsReference());
  });
});
