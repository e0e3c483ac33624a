import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { inspect } from 'node:util';
import { builtFile } from '../../test/support/repository.files';
import { guard } from '../../test/support/child.guard';

interface Reply {
  value?: unknown;
  /** The error, if the command failed. */
  failure?: string;
}

/** A process that executes commands one at a time, so that its CPU time is separate from that of the measurement. */
export class ActorProcess {
  private constructor(private readonly child: ChildProcess) {}

  /**
   * @param main one of the programs that call {@link executeCommands}, such as `victim.main.js`
   * @param niceness `constants.priority` of the process: with the lowest one, it takes the CPU time that the others leave
   */
  static start(main: string, niceness: number = constants.priority.PRIORITY_NORMAL): ActorProcess {
    const child = fork(builtFile(`tools/abuse/${main}`), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    guard(child);
    if (child.pid !== undefined) setPriority(child.pid, niceness);
    return new ActorProcess(child);
  }

  /** Sends a command and resolves with its result. @throws Error if the command fails or the process ends */
  async execute<T>(command: object, signal: AbortSignal): Promise<T> {
    const over = new AbortController();
    const either = AbortSignal.any([over.signal, signal]);
    try {
      const replied = once(this.child, 'message', { signal: either });
      const ended = once(this.child, 'exit', { signal: either }).then(([code]) => {
        throw new Error(`an actor ended with ${String(code)} before it replied`);
      });
      this.child.send(command);
      const [{ value, failure }] = (await Promise.race([replied, ended])) as [Reply]; // what `executeCommands` sends
      if (failure !== undefined) throw new Error(failure);
      return value as T; // the caller knows the type of the result
    } finally {
      over.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}

/** The other end of {@link ActorProcess}: executes the commands that this process receives. */
export function executeCommands(execute: (command: unknown) => Promise<unknown>): void {
  process.on('message', (command) => {
    execute(command).then(
      (value) => process.send?.({ value }),
      (error: unknown) => process.send?.({ failure: inspect(error) }),
    );
  });
  process.once('disconnect', () => process.exit());
}
