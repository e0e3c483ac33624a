import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { identify, type ProcessIdentity, stillRuns } from './process.identity';
import { QuickstartError } from './quickstart.error';

interface Holder extends ProcessIdentity {
  /** Where its gateway answers; absent while it starts. */
  url?: string;
}

/** Lets one start at a time use a data folder. A lock whose holder has died counts for nothing. */
export class InstanceLock {
  private constructor(
    private readonly file: string,
    private readonly holder: Holder,
  ) {}

  /** @throws QuickstartError if another start holds the lock, saying where it answers. */
  static acquire(file: string): InstanceLock {
    const own = identify(process.pid);
    if (!own) throw new QuickstartError('cannot see my own process: is /proc mounted?');
    const lock = new InstanceLock(file, own);
    while (!lock.tryTake()) lock.clearIfStale();
    return lock;
  }

  announce(url: string): void {
    writeFileSync(this.draft, JSON.stringify({ ...this.holder, url }), { mode: 0o600 });
    renameSync(this.draft, this.file);
  }

  release(): void {
    rmSync(this.file, { force: true });
  }

  private get draft(): string {
    return `${this.file}.${process.pid}`;
  }

  private tryTake(): boolean {
    writeFileSync(this.draft, JSON.stringify(this.holder), { mode: 0o600 });
    try {
      // A link appears whole or not at all, and never replaces what is there.
      linkSync(this.draft, this.file);
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(this.draft, { force: true });
    }
  }

  private clearIfStale(): void {
    refuseIfHeld(read(this.file));
    // Moved aside before it is dropped: if someone else took the lock meanwhile, it is theirs that was moved.
    const aside = `${this.file}.stale.${process.pid}`;
    try {
      renameSync(this.file, aside);
    } catch {
      return; // Someone else cleared it.
    }
    const moved = read(aside);
    if (moved && stillRuns(moved)) renameSync(aside, this.file);
    else rmSync(aside, { force: true });
    refuseIfHeld(moved);
  }
}

function refuseIfHeld(holder: Holder | undefined): void {
  if (!holder || !stillRuns(holder)) return;
  const where = holder.url === undefined ? 'is just starting' : `answers on ${holder.url}`;
  throw new QuickstartError(
    `it is running already: process ${holder.pid} ${where}. Stop that one first (Ctrl-C there).`,
  );
}

function read(file: string): Holder | undefined {
  try {
    // Only this program writes the file, whole or not at all.
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined; // Released in the meantime.
  }
}
