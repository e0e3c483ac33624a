import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Clock ticks per second (USER_HZ), on every architecture that Node supports. */
const ticksPerSecond = 100;

/** Fields of `/proc/<pid>/stat`. */
export interface ProcessStat {
  parent: number;
  /** CPU of all threads of the process. */
  ownSeconds: number;
  /** CPU of its children that have ended and were waited for, and of their children. */
  endedChildrenSeconds: number;
}

export function readStat(text: string): ProcessStat {
  // The second field is the name of the program in parentheses, which may contain any character.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]); // numbered as in proc(5)
  return {
    parent: field(4),
    ownSeconds: (field(14) + field(15)) / ticksPerSecond,
    endedChildrenSeconds: (field(16) + field(17)) / ticksPerSecond,
  };
}

/** CPU that a process has used, in seconds. */
export function cpuSecondsOf(pid: number): number {
  return statOf(pid).ownSeconds;
}

/**
 * CPU that a process and its children have used, in seconds, including ended children: the kernel adds their CPU to the
 * parent when it waits for them.
 */
export function processTreeCpuSecondsOf(pid: number): number {
  for (;;) {
    const before = statOf(pid).endedChildrenSeconds;
    const living = childrenOf(pid);
    const { ownSeconds, endedChildrenSeconds } = statOf(pid);
    // A process that ended in between would be counted twice or not at all.
    if (endedChildrenSeconds === before) {
      return ownSeconds + endedChildrenSeconds + living.reduce((sum, child) => sum + child.ownSeconds, 0);
    }
  }
}

export function parentOf(pid: number): number {
  return statOf(pid).parent;
}

/** CPU of this program and its ended children, in seconds: the load generators. */
export function loadCpuSeconds(): number {
  const { ownSeconds, endedChildrenSeconds } = statOf(process.pid);
  return ownSeconds + endedChildrenSeconds;
}

/** The peak resident memory since the last {@link resetPeak}, in bytes. */
export function peakBytesOf(pid: number): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`no VmHWM in /proc/${pid}/status`);
  return Number(kibibytes) * 1024;
}

/** Resets the peak to the current resident memory. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** CPU used by the whole machine, in seconds. */
export function machineCpuSeconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1_000, 0);
}

function statOf(pid: number): ProcessStat {
  return readStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

function childrenOf(pid: number): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [statOf(Number(name))];
      } catch (error) {
        if (isGone(error)) return [];
        throw error;
      }
    })
    .filter(({ parent }) => parent === pid);
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
}
