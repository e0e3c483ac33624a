import { createHash } from 'node:crypto';

/** The fields of a package in npm's lockfile (version 3) that are read. */
interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  /** Only development dependencies require it. */
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  readonly name: string;
  readonly version: string;
  /** By path: `node_modules/a/node_modules/b` is the b that a requires. The empty path is the product. */
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface Component {
  'bom-ref': string;
  type: 'application' | 'library';
  group?: string;
  name: string;
  version: string;
  scope?: 'required' | 'optional';
  hashes?: { alg: string; content: string }[];
  licenses?: { expression: string }[];
  purl: string;
}

/** The fields of a CycloneDX 1.6 software bill of materials that are written. */
export interface Bom {
  $schema: string;
  bomFormat: 'CycloneDX';
  specVersion: '1.6';
  serialNumber: string;
  version: 1;
  metadata: { component: Component };
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

const FOLDER = 'node_modules/';
const ALGORITHMS: Readonly<Record<string, string>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

/**
 * The production dependencies, from the lockfile alone. Reproducible: without a time or a random number. (`npm sbom
 * --omit dev` omits packages that a development dependency requires too, such as `pg`.)
 */
export function bomOf(lockfile: Lockfile): Bom {
  const paths = Object.keys(lockfile.packages)
    .filter((path) => path !== '' && lockfile.packages[path]?.dev !== true)
    .sort();
  // The same version at two paths is one component.
  const components = new Map(paths.map((path) => [purlAtPath(lockfile, path), componentAtPath(lockfile, path)]));
  const root: Component = {
    'bom-ref': purlOf(lockfile.name, lockfile.version),
    type: 'application',
    name: lockfile.name,
    version: lockfile.version,
    purl: purlOf(lockfile.name, lockfile.version),
  };
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${hashUuid(JSON.stringify([...components]))}`,
    version: 1,
    metadata: { component: root },
    components: [...components.values()],
    dependencies: dependenciesOf(lockfile, ['', ...paths]),
  };
}

function dependenciesOf(lockfile: Lockfile, paths: readonly string[]): Bom['dependencies'] {
  const edges = new Map<string, Set<string>>();
  for (const path of paths) {
    const ref = purlAtPath(lockfile, path);
    const targets = edges.get(ref) ?? new Set();
    edges.set(ref, targets);
    const { dependencies, optionalDependencies, peerDependencies } = lockfile.packages[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = resolve(lockfile, path, name);
      if (found !== undefined && lockfile.packages[found]?.dev !== true) targets.add(purlAtPath(lockfile, found));
    }
  }
  return [...edges].map(([ref, targets]) => ({ ref, dependsOn: [...targets].sort() }));
}

/** The path that Node resolves: the nearest `node_modules` upwards. Undefined for an optional package that is absent. */
function resolve({ packages }: Lockfile, from: string, name: string): string | undefined {
  for (let path = from; ; path = path.slice(0, Math.max(0, path.lastIndexOf(`/${FOLDER}`)))) {
    const candidate = path === '' ? FOLDER + name : `${path}/${FOLDER}${name}`;
    if (candidate in packages) return candidate;
    if (path === '') return undefined;
  }
}

function componentAtPath(lockfile: Lockfile, path: string): Component {
  const { version = '', integrity, license, optional } = lockfile.packages[path] ?? {};
  const [group, name] = splitName(nameAtPath(path));
  return {
    'bom-ref': purlAtPath(lockfile, path),
    type: 'library',
    ...(group !== undefined && { group }),
    name,
    version,
    scope: optional === true ? 'optional' : 'required',
    ...(integrity !== undefined && { hashes: integrity.split(' ').map(hashOf) }),
    ...(license !== undefined && { licenses: [{ expression: license }] }),
    purl: purlAtPath(lockfile, path),
  };
}

function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm = '', digest = ''] = integrity.split(/-(.*)/s);
  return { alg: ALGORITHMS[algorithm] ?? algorithm, content: Buffer.from(digest, 'base64').toString('hex') };
}

function nameAtPath(path: string): string {
  return path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
}

function splitName(name: string): [group: string | undefined, name: string] {
  const [scope = '', rest] = name.split('/');
  return rest === undefined ? [undefined, scope] : [scope, rest];
}

function purlAtPath(lockfile: Lockfile, path: string): string {
  if (path === '') return purlOf(lockfile.name, lockfile.version);
  return purlOf(nameAtPath(path), lockfile.packages[path]?.version ?? '');
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** A UUID of version 8 derived from the text. */
function hashUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}
