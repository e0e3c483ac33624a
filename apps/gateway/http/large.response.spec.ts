import { describe, expect, it } from 'vitest';
import { encodedParts } from './large.response';

async function partsOf(text: string): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for await (const part of encodedParts(text)) parts.push(part);
  return parts;
}

describe('the parts of a long response', () => {
  it.each([
    ['ASCII', 'a'.repeat(300_000)],
    ['characters of three bytes', '€'.repeat(300_000)],
    ['surrogate pairs at even places', '😀'.repeat(150_000)],
    ['surrogate pairs at odd places', `a${'😀'.repeat(150_000)}`],
  ])('have the bytes of the text: %s', async (_, text) => {
    const parts = await partsOf(text);
    expect(parts.length).toBe(3);
    expect(Buffer.concat(parts).equals(Buffer.from(text))).toBe(true);
  });

  it('leave turns of the event loop to others', async () => {
    let turns = 0;
    let immediate = setImmediate(function count() {
      turns++;
      immediate = setImmediate(count);
    });
    const parts = await partsOf('a'.repeat(131_072 * 50));
    clearImmediate(immediate);
    expect(parts.length).toBe(50);
    expect(turns).toBeGreaterThanOrEqual(49);
  });
});
