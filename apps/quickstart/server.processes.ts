import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';

import { type DataFolder, readJson, writeJson } from './data.folder';
import { identify, isRunning, type ProcessIdentity, stopProcess } from './process.identity';
import { QuickstartError } from './quickstart.error';
import type { User } from './service.user';

/** In the order in which they are stopped: each before the servers that it uses. */
const NAMES = ['gateway', 'worker', 'redis', 'postgres', 'initdb'] as const;

/** A process to run. Its output goes to `.data/<name>.log`. */
export interface ProcessSpec {
  name: (typeof NAMES)[number];
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Requests an orderly shutdown. */
  stopSignal: NodeJS.Signals;
  /** Written to standard input: other users can read a command line, but not this. */
  stdin?: string;
  user?: User | undefined;
}

interface PidFile extends ProcessIdentity {
  stopSignal: NodeJS.Signals;
}

/**
 * The servers as child processes, each with a pid file in `.data/`. After `kill -9` of this process they keep running
 * until the next start finds their pid files and stops them.
 */
export class ServerProcesses {
  private stopping = false;
  private fail: (error: unknown) => void = () => undefined;

  /** Rejects with a {@link QuickstartError} when a server ends before {@link stop}. */
  readonly failed = new Promise<never>((_resolve, reject) => {
    this.fail = reject;
  });

  constructor(private readonly folder: DataFolder) {}

  /** Starts a server that runs until {@link stop}. */
  start(spec: ProcessSpec): void {
    this.spawn(spec).then((ending) => {
      if (!this.stopping) this.fail(this.errorOf(spec, ending));
    }, this.fail);
  }

  /**
   * Runs a program to its end.
   *
   * @throws QuickstartError if its exit code is not 0
   */
  async run(spec: ProcessSpec): Promise<void> {
    const ending = await this.spawn(spec);
    rmSync(this.pidFile(spec.name), { force: true });
    if (ending !== 'exit code 0') throw this.errorOf(spec, ending);
  }

  /** Stops all servers that have a pid file, also those of an earlier start. Resolves when none runs anymore. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.stopStrays();
  }

  /** Stops the servers that an earlier start left running, and returns their names. */
  async stopStrays(): Promise<string[]> {
    const stopped: string[] = [];
    for (const name of NAMES) {
      // Only writePidFile() writes the file.
      const server = readJson(this.pidFile(name)) as PidFile | undefined;
      if (server && isRunning(server)) {
        await stopProcess(server, server.stopSignal);
        stopped.push(name);
      }
      rmSync(this.pidFile(name), { force: true });
    }
    return stopped;
  }

  logFile(name: ProcessSpec['name']): string {
    return this.folder.file(`${name}.log`);
  }

  /** @returns how the process ended */
  private async spawn({ name, command, args, env, stopSignal, stdin, user }: ProcessSpec): Promise<string> {
    if (this.stopping) throw new QuickstartError(`${name}: not started, because npm start is stopping`);
    const log = openSync(this.logFile(name), 'w', 0o600);
    // Detached: Ctrl-C signals the process group of the terminal, and the servers must stop in order.
    const child = spawn(command, args, { cwd: '/', env, detached: true, stdio: ['pipe', log, log], ...user });
    closeSync(log);
    const exit = once(child, 'exit');
    this.writePidFile(name, child, stopSignal);
    child.stdin?.on('error', () => undefined); // It ended without reading; the exit is reported.
    child.stdin?.end(stdin);
    const [code, signal] = (await exit) as [number | null, NodeJS.Signals | null];
    return signal ?? `exit code ${code ?? 'unknown'}`;
  }

  /** In the same turn as the spawn, so that a kill can hardly fall between. */
  private writePidFile(name: string, child: ChildProcess, stopSignal: NodeJS.Signals): void {
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity) writeJson(this.pidFile(name), { ...identity, stopSignal } satisfies PidFile);
  }

  private errorOf({ name }: ProcessSpec, ending: string): QuickstartError {
    return new QuickstartError(`${name} ended: ${ending}`, this.logFile(name));
  }

  private pidFile(name: string): string {
    return this.folder.file(`${name}.pid`);
  }
}
