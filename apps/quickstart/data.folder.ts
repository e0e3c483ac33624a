import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { QuickstartError } from './quickstart.error';

/** `.data/` of the project: what each start keeps, pid files and logs. */
export class DataFolder {
  readonly path: string;

  /** @throws QuickstartError if the folder cannot be written */
  constructor(readonly projectRoot: string) {
    this.path = join(projectRoot, '.data');
    try {
      mkdirSync(this.path, { recursive: true });
      accessSync(this.path, constants.W_OK | constants.X_OK);
    } catch {
      throw new QuickstartError(`you cannot write to ${this.path}; another user, such as root, may own it`);
    }
    // Started by root, Postgres runs as another user, who must reach a folder inside.
    if (process.getuid?.() === 0) chmodSync(this.path, 0o711);
  }

  file(name: string): string {
    return join(this.path, name);
  }
}

/** Reads a file that {@link writeJson} wrote; undefined if it does not exist. */
export function readJson(file: string): unknown {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** Readable by the owner only. Renamed into place: a kill never leaves half a file. */
export function writeJson(file: string, content: unknown): void {
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}
