import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = join(__dirname, '../..');
const document = readFileSync(join(repository, 'docs/security.md'), 'utf8');

/** `- API1 \`path\`: "name"` */
const evidence = [...document.matchAll(/^- (API\d+) `([^`]+)`: "(.+)"$/gm)].map(
  ([, risk = '', file = '', name = '']) => ({
    risk,
    file,
    name,
  }),
);

describe('docs/security.md', () => {
  it.each(evidence)('$risk is shown by $file: $name', ({ file, name }) => {
    expect(existsSync(join(repository, file)), `${file} is gone`).toBe(true);
    // Between the quotation marks that the name has there: a longer name is another test.
    const quoted = [`'${name}'`, `"${name}"`, `\`${name}\``];
    const source = readFileSync(join(repository, file), 'utf8');
    expect(
      quoted.some((text) => source.includes(text)),
      `${file} has no test "${name}"`,
    ).toBe(true);
  });

  it('has a row and a test for each of the ten risks', () => {
    const risks = Array.from({ length: 10 }, (_, index) => `API${index + 1}`);
    expect(document.match(/^\| \*\*API\d+\*\*/gm)).toHaveLength(risks.length);
    expect([...new Set(evidence.map(({ risk }) => risk))]).toEqual(risks);
  });

  it('leads to files and headings that exist', () => {
    const headingsOf = (text: string): string[] =>
      [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
    for (const [, target = ''] of document.matchAll(/\]\(([^)]+)\)/g)) {
      const [file = '', heading] = target.split('#');
      const path = join(repository, 'docs', file || 'security.md');
      expect(existsSync(path), target).toBe(true);
      if (heading !== undefined) expect(headingsOf(readFileSync(path, 'utf8')), target).toContain(heading);
    }
  });
});
