import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { QuickstartError } from './quickstart.error';
import { outputOf, type User } from './unprivileged.user';

/** Others may pass through (the services' user must reach its own folder inside) but not look around. */
const PASSABLE = 0o711;

/** `.data/` of the project: what every start keeps, and where programs write their logs. */
export class DataFolder {
  readonly path: string;

  private constructor(readonly projectRoot: string) {
    this.path = join(projectRoot, '.data');
  }

  /** @throws QuickstartError if it cannot be made or written, or the folder is not the project's. */
  static open(projectRoot: string): DataFolder {
    if (!isProject(projectRoot)) throw new QuickstartError("run `npm start` in the project's folder");
    const folder = new DataFolder(projectRoot);
    try {
      mkdirSync(folder.path, { recursive: true });
      accessSync(folder.path, constants.W_OK | constants.X_OK);
    } catch {
      throw new QuickstartError(`${folder.path} cannot be written by you; perhaps another user, such as root, made it`);
    }
    if (lstatSync(folder.path).uid === process.getuid?.()) chmodSync(folder.path, PASSABLE);
    return folder;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Drops what programs of an earlier start wrote, so that the end of a log is about this one. */
  clearLogs(): void {
    for (const name of readdirSync(this.path)) if (name.endsWith('.log')) rmSync(this.file(name));
  }

  /**
   * Where the services' user can reach its files: `.data/` itself, or, if that lies behind a folder closed to that user
   * (as /root is), a folder of ours among the system's temporary ones that survive a reboot.
   */
  reachableBy(user: User | undefined): string {
    if (!user || canPass(this.path, user)) return this.path;
    const name = `prism-quickstart-${createHash('sha256').update(this.projectRoot).digest('hex').slice(0, 12)}`;
    const place = join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), name);
    claim(place);
    if (!canPass(place, user)) throw new QuickstartError(`${place} cannot be reached by user ${user.uid}`);
    return place;
  }
}

function isProject(folder: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null && 'name' in manifest && manifest.name === 'prism-gateway';
  } catch {
    return false;
  }
}

function canPass(folder: string, user: User): boolean {
  return outputOf('/bin/sh', ['-c', 'cd "$0"', folder], user) !== undefined;
}

/** Makes the folder, or makes sure that the one there is ours: anyone may make folders where this one lies. */
function claim(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: PASSABLE });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw new QuickstartError(
      `${folder} was made by someone else; remove it, or keep the project where every user can pass`,
    );
  }
}
