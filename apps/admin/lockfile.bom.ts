import { createHash } from 'node:crypto';

/** What is read of a package in npm's lockfile (version 3). */
interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  /** Nothing but development needs it. */
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  readonly name: string;
  readonly version: string;
  /** By place: `node_modules/a/node_modules/b` is the b that a gets; the empty place is the product. */
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

/** A software bill of materials as CycloneDX 1.6 defines it, as far as it is used here. */
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
 * What runs in production, from the lockfile alone, and always the same for the same lockfile: no time and no random
 * number in it. (`npm sbom --omit dev` leaves out whatever a development tool uses too, such as `pg`.)
 */
export function bomOf(lockfile: Lockfile): Bom {
  const places = Object.keys(lockfile.packages)
    .filter((place) => place !== '' && lockfile.packages[place]?.dev !== true)
    .sort();
  // The same version in two places is one component.
  const components = new Map(places.map((place) => [purlAt(lockfile, place), componentAt(lockfile, place)]));
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
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify([...components]))}`,
    version: 1,
    metadata: { component: root },
    components: [...components.values()],
    dependencies: dependenciesOf(lockfile, ['', ...places]),
  };
}

function dependenciesOf(lockfile: Lockfile, places: readonly string[]): Bom['dependencies'] {
  const edges = new Map<string, Set<string>>();
  for (const place of places) {
    const ref = purlAt(lockfile, place);
    const targets = edges.get(ref) ?? new Set();
    edges.set(ref, targets);
    const { dependencies, optionalDependencies, peerDependencies } = lockfile.packages[place] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = resolve(lockfile, place, name);
      if (found !== undefined && lockfile.packages[found]?.dev !== true) targets.add(purlAt(lockfile, found));
    }
  }
  return [...edges].map(([ref, targets]) => ({ ref, dependsOn: [...targets].sort() }));
}

/** The place that Node would find: the nearest `node_modules` on the way up. Undefined for an optional one that is not there. */
function resolve({ packages }: Lockfile, from: string, name: string): string | undefined {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf(`/${FOLDER}`)))) {
    const candidate = place === '' ? FOLDER + name : `${place}/${FOLDER}${name}`;
    if (candidate in packages) return candidate;
    if (place === '') return undefined;
  }
}

function componentAt(lockfile: Lockfile, place: string): Component {
  const { version = '', integrity, license, optional } = lockfile.packages[place] ?? {};
  const [group, name] = splitName(nameAt(place));
  return {
    'bom-ref': purlAt(lockfile, place),
    type: 'library',
    ...(group !== undefined && { group }),
    name,
    version,
    scope: optional === true ? 'optional' : 'required',
    ...(integrity !== undefined && { hashes: integrity.split(' ').map(hashOf) }),
    ...(license !== undefined && { licenses: [{ expression: license }] }),
    purl: purlAt(lockfile, place),
  };
}

function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm = '', digest = ''] = integrity.split(/-(.*)/s);
  return { alg: ALGORITHMS[algorithm] ?? algorithm, content: Buffer.from(digest, 'base64').toString('hex') };
}

function nameAt(place: string): string {
  return place.slice(place.lastIndexOf(FOLDER) + FOLDER.length);
}

function splitName(name: string): [group: string | undefined, name: string] {
  const [scope = '', rest] = name.split('/');
  return rest === undefined ? [undefined, scope] : [scope, rest];
}

function purlAt(lockfile: Lockfile, place: string): string {
  if (place === '') return purlOf(lockfile.name, lockfile.version);
  return purlOf(nameAt(place), lockfile.packages[place]?.version ?? '');
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** A UUID of version 8 that stands for the text. */
function uuidOf(text: string): string {
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
