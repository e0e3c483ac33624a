import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(repository, file), 'utf8');
const documents = [
  ...readdirSync(repository).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** The anchors that GitHub generates for the headings of a document. */
function anchorsOf(text: string): Set<string> {
  const titles = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Links to files of the repository, without those in code. */
function relativeLinksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

describe('the documents', () => {
  it.each(documents)('%s links to existing files and headings', (document) => {
    const broken = relativeLinksOf(read(document)).filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? document : join(dirname(document), file);
      if (!existsSync(join(repository, path))) return true;
      if (anchor === undefined || statSync(join(repository, path)).isDirectory()) return false;
      return !anchorsOf(read(path)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('are all listed in the index or in the index of decisions', () => {
    const listed = ['docs/README.md', 'docs/decisions/README.md'].flatMap((index) =>
      relativeLinksOf(read(index)).map((target) => join(dirname(index), target)),
    );
    const unlisted = documents.filter((document) => document.startsWith('docs/') && !listed.includes(document));
    expect(unlisted).toEqual(['docs/README.md']);
  });
});

describe('docs/security.md', () => {
  const text = read('docs/security.md');
  const tests = new Map(
    [...text.matchAll(/^\| (API\d+) +\| (.+) \|$/gm)].map(([, risk = '', cell = '']) => [
      risk,
      [...cell.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
    ]),
  );

  it('has a protection and a test for each of the ten risks', () => {
    const risks = Array.from({ length: 10 }, (_, index) => `API${index + 1}`);
    expect([...text.matchAll(/^\| \*\*(API\d+)\*\*/gm)].map(([, risk]) => risk)).toEqual(risks);
    expect([...tests].filter(([, files]) => files.length > 0).map(([risk]) => risk)).toEqual(risks);
  });

  it.each([...tests].flatMap(([risk, files]) => files.map((file) => ({ risk, file }))))(
    'names an existing test of $risk: $file',
    ({ file }) => {
      expect(existsSync(join(repository, file))).toBe(true);
    },
  );
});
