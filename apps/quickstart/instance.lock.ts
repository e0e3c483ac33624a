import { linkSync, rmSync } from 'node:fs';

import { readJson, writeJson } from './data.folder';
import { identify, isRunning, type ProcessIdentity } from './process.identity';
import { QuickstartError } from './quickstart.error';

interface Holder extends ProcessIdentity {
  /** Of the gateway; absent until it is ready. */
  url?: string;
}

/** Allows one start at a time to use a data folder. The lock of a process that has ended is ignored. */
export class InstanceLock {
  private constructor(
    private readonly file: string,
    private readonly holder: Holder,
  ) {}

  /** @throws QuickstartError with the URL of the running gateway if another start holds the lock */
  static acquire(file: string): InstanceLock {
    const own = identify(process.pid);
    if (!own) throw new Error('the start time of this process cannot be read; is /proc mounted?');
    const holder = readHolder(file);
    if (holder && isRunning(holder)) throw heldBy(holder);
    if (holder) rmSync(file, { force: true });
    const draft = `${file}.${process.pid}`;
    writeJson(draft, own);
    try {
      // A link appears with its whole content and never replaces a file.
      linkSync(draft, file);
    } catch {
      throw heldBy(readHolder(file));
    } finally {
      rmSync(draft);
    }
    return new InstanceLock(file, own);
  }

  /** Records the gateway's URL for the message that a second start shows. */
  announce(url: string): void {
    writeJson(this.file, { ...this.holder, url });
  }

  release(): void {
    rmSync(this.file, { force: true });
  }
}

function readHolder(file: string): Holder | undefined {
  return readJson(file) as Holder | undefined; // Only this class writes the file.
}

function heldBy(holder: Holder | undefined): QuickstartError {
  const state = holder?.url === undefined ? 'is starting' : `serves ${holder.url}`;
  const pid = holder?.pid ?? 'unknown';
  return new QuickstartError(
    `npm start is already running: process ${pid} ${state}. Stop it first: Ctrl-C, or kill ${pid}`,
  );
}
