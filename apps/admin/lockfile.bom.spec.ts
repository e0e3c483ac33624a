import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { bomOf, type Lockfile } from './lockfile.bom';

const repository = join(__dirname, '../..');
const locked = read(join(repository, 'package-lock.json')) as Lockfile;

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The packages that `npm ci --omit=dev` installs, as npm lists them. */
function production(): string[] {
  const args = ['ls', '--all', '--omit=dev', '--package-lock-only', '--parseable', '--long'];
  const lines = execFileSync('npm', args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return lines
    .split('\n')
    .map((line) => line.split(':')[1] ?? '')
    .filter((name) => name !== '' && !name.startsWith('prism-gateway@'));
}

describe('bomOf', () => {
  it('contains every package that production installs, each version once', () => {
    const names = bomOf(locked).components.map(
      ({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`,
    );
    expect(names.toSorted()).toEqual([...new Set(production())].sort());
    expect(names).toContain(`pg@${locked.packages['node_modules/pg']?.version ?? ''}`);
  });

  it('returns a valid CycloneDX 1.6 document', () => {
    const folder = join(dirname(require.resolve('@cyclonedx/cyclonedx-library/package.json')), 'res/schema');
    const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
    // Formats of internationalized addresses, which the document does not have.
    for (const format of ['idn-email', 'iri-reference']) ajv.addFormat(format, true);
    for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
      const file = `${name}.SNAPSHOT.schema.json`;
      ajv.addSchema(read(join(folder, file)) as object, `http://cyclonedx.org/schema/${file}`);
    }
    const validate = ajv.compile(read(join(folder, 'bom-1.6.SNAPSHOT.schema.json')) as object);
    expect(validate(bomOf(locked)), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...bomOf(locked), serialNumber: 'none' })).toBe(false);
  });

  it('gives every component a hash and a license', () => {
    for (const { name, hashes, licenses } of bomOf(locked).components) {
      expect(hashes?.[0]?.content, name).toMatch(/^[0-9a-f]{128}$/);
      expect(licenses?.[0]?.expression, name).toMatch(/\w/);
    }
  });

  it('connects every component to the product by dependencies', () => {
    const { dependencies, metadata, components } = bomOf(locked);
    const edges = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
    const reached = new Set<string>();
    const visit = (ref: string): void => {
      if (reached.has(ref)) return;
      reached.add(ref);
      edges.get(ref)?.forEach(visit);
    };
    visit(metadata.component['bom-ref']);
    const refs = [metadata.component, ...components].map((component) => component['bom-ref']);
    expect([...reached].sort()).toEqual(refs.sort());
  });

  it('returns the same document for the same lockfile', () => {
    expect(bomOf(structuredClone(locked))).toEqual(bomOf(locked));
    expect(bomOf({ ...locked, packages: {} }).serialNumber).not.toBe(bomOf(locked).serialNumber);
  });

  it('distinguishes the versions of one package that two others require', () => {
    const bom = bomOf({
      name: 'product',
      version: '1.0.0',
      packages: {
        '': { dependencies: { a: '1', b: '1' } },
        'node_modules/a': { version: '1.0.0', dependencies: { '@x/c': '1' }, peerDependencies: { absent: '1' } },
        'node_modules/b': { version: '1.0.0', dependencies: { '@x/c': '2' } },
        'node_modules/b/node_modules/@x/c': { version: '2.0.0' },
        'node_modules/@x/c': { version: '1.0.0' },
        'node_modules/tool': { version: '1.0.0', dev: true },
      },
    });
    expect(bom.dependencies).toEqual([
      { ref: 'pkg:npm/product@1.0.0', dependsOn: ['pkg:npm/a@1.0.0', 'pkg:npm/b@1.0.0'] },
      { ref: 'pkg:npm/%40x/c@1.0.0', dependsOn: [] },
      { ref: 'pkg:npm/a@1.0.0', dependsOn: ['pkg:npm/%40x/c@1.0.0'] },
      { ref: 'pkg:npm/b@1.0.0', dependsOn: ['pkg:npm/%40x/c@2.0.0'] },
      { ref: 'pkg:npm/%40x/c@2.0.0', dependsOn: [] },
    ]);
  });
});
