import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

import { type Deferred, deferred } from './deferred';
import { type News, type Order, type ProgramExit, type ProgramSpec } from './keeper.protocol';
import { stopOrphans } from './process.roster';
import { QuickstartError } from './quickstart.error';

interface Watched {
  spec: ProgramSpec;
  end: ProgramExit | { message: string } | undefined;
  ended: Deferred;
}

/** How long the keeper may need to end everything before the launcher does it, in milliseconds. */
const STOP_MS = 30_000;

/** The launcher's side of the keeper: has programs run, and learns how they end. */
export class Supervisor {
  private readonly programs = new Map<string, Watched>();
  private stopping = false;
  private gone = false;
  private readonly loss = deferred();

  private constructor(
    private readonly child: ChildProcess,
    private readonly pidFilePath: string,
    private readonly logFile: string,
  ) {
    this.loss.promise.catch(() => undefined); // Whoever awaits `lost` is told; nobody has to.
    child.on('message', (news: News) => {
      this.hear(news);
    });
    child.on('exit', () => {
      this.onGone();
    });
  }

  /** @param program the script to run, and its arguments: `<program> keeper <rosterFile>`. */
  static async start(program: string, pidFilePath: string, logFile: string): Promise<Supervisor> {
    const log = openSync(logFile, 'a', 0o600);
    const child = fork(program, ['keeper', pidFilePath], { detached: true, stdio: ['ignore', log, log, 'ipc'] });
    closeSync(log);
    await once(child, 'spawn');
    return new Supervisor(child, pidFilePath, logFile);
  }

  /** Rejects with a {@link QuickstartError} once a program that should go on running, or the keeper, has ended. */
  get lost(): Promise<void> {
    return this.loss.promise;
  }

  /** Starts a program that is to run until {@link stop}. */
  spawn(spec: ProgramSpec): void {
    const watched = this.order(spec);
    watched.ended.promise.then(
      () => {
        if (!this.stopping) this.loss.reject(this.endingOf(watched));
      },
      (error: unknown) => {
        this.loss.reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  /**
   * Runs a program to its end.
   *
   * @throws QuickstartError if it does not end with 0.
   */
  async run(spec: ProgramSpec): Promise<void> {
    const watched = this.order(spec);
    await watched.ended.promise;
    if (!(watched.end && 'code' in watched.end && watched.end.code === 0)) throw this.endingOf(watched);
  }

  /** @throws QuickstartError if the program has ended. For loops that wait until it is ready. */
  assertRunning(name: string): void {
    const watched = this.programs.get(name);
    if (watched?.end) throw this.endingOf(watched);
  }

  /** Ends every program, then the keeper. Resolves once none of them runs any more. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (!this.gone) {
      const exit = once(this.child, 'exit');
      const shortTimeout = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
      this.send({ type: 'stop' });
      await exit;
      clearTimeout(shortTimeout);
    }
    await stopOrphans(this.pidFilePath);
  }

  private order(spec: ProgramSpec): Watched {
    const watched: Watched = { spec, end: undefined, ended: deferred() };
    this.programs.set(spec.name, watched);
    this.send({ type: 'spawn', spec });
    if (this.gone) this.onGone();
    return watched;
  }

  private send(order: Order): void {
    // A keeper that is gone is noticed by its exit.
    if (this.child.connected) this.child.send(order, () => undefined);
  }

  private hear(news: News): void {
    const watched = this.programs.get(news.name);
    if (!watched) return;
    watched.end = news.type === 'failed' ? { message: news.message } : { code: news.code, signal: news.signal };
    watched.ended.resolve();
  }

  private onGone(): void {
    this.gone = true;
    this.loss.reject(new QuickstartError('the keeper, which runs the services, has been ended', this.logFile));
    for (const watched of this.programs.values()) {
      watched.end ??= { message: 'the keeper, which ran it, has been ended' };
      watched.ended.resolve();
    }
  }

  private endingOf({ spec, end }: Watched): QuickstartError {
    const how =
      end === undefined || 'message' in end
        ? (end?.message ?? 'not started')
        : end.signal === null
          ? `ended with exit code ${end.code ?? 'unknown'}`
          : `ended by ${end.signal}`;
    return new QuickstartError(`${spec.name}: ${how}`, spec.logFile);
  }
}
