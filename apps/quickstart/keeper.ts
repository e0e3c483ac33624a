import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';

import { type News, type Order, type ProgramSpec } from './keeper.protocol';
import { identify, stopProcess } from './process.identity';
import { type PidFileEntry, writePidFile } from './process.roster';

/**
 * The process that owns Postgres, Redis and the gateway. It lives in a session of its own, where no Ctrl-C and no
 * signal to the launcher's group reaches it, and ends with everything it runs once the pipe to the launcher closes:
 * that happens however the launcher dies, also when it is killed with -9.
 */
export class ProcessSupervisor {
  private readonly programs: PidFileEntry[] = [];
  private stopping = false;

  constructor(private readonly pidFilePath: string) {}

  run(): void {
    this.writeDown();
    process.on('message', (order: Order) => {
      if (order.type === 'stop') this.stopOrFail();
      else this.spawn(order.spec);
    });
    process.on('disconnect', () => {
      this.stopOrFail();
    });
    process.on('SIGTERM', () => {
      this.stopOrFail();
    });
  }

  private spawn(spec: ProgramSpec): void {
    if (this.stopping) return;
    const log = openSync(spec.logFile, 'a', 0o600);
    const child = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      stdio: [spec.stdin === undefined ? 'ignore' : 'pipe', log, log],
      ...spec.user,
    });
    closeSync(log);
    child.on('error', (error) => {
      tell({ type: 'failed', name: spec.name, message: error.message });
    });
    this.register(spec, child);
    child.on('exit', (code, signal) => {
      this.unregister(child);
      tell({ type: 'exited', name: spec.name, code, signal });
    });
    // A program that ends without reading its input closes the pipe; its exit is what gets reported.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(spec.stdin);
  }

  /** In the same turn as the spawn, so that a stop that comes next already knows of the program. */
  private register(spec: ProgramSpec, child: ChildProcess): void {
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (!identity) return;
    this.programs.push({ name: spec.name, stop: spec.stop, ...identity });
    this.writeDown();
  }

  private unregister(child: ChildProcess): void {
    const index = this.programs.findIndex((program) => program.pid === child.pid);
    if (index >= 0) this.programs.splice(index, 1);
    if (!this.stopping) this.writeDown();
  }

  private stopOrFail(): void {
    this.stop().catch((error: unknown) => {
      process.stderr.write(`The services could not be stopped: ${String(error)}\n`);
      process.exit(1);
    });
  }

  private async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    // The latest first: the gateway lets go of the database before the database goes.
    for (const program of this.programs.toReversed()) await stopProcess(program, program.stop);
    rmSync(this.pidFilePath, { force: true });
    process.exit(0);
  }

  private writeDown(): void {
    const supervisor = identify(process.pid);
    if (supervisor) writePidFile(this.pidFilePath, { supervisor: supervisor, programs: this.programs });
  }
}

function tell(news: News): void {
  // Without a launcher there is nobody to tell, and the end of the pipe has already been noticed.
  if (process.connected) process.send?.(news, () => undefined);
}
