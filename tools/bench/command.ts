import { execFile } from 'node:child_process';

const outputLimitBytes = 64 * 1024 * 1024;

/** A required program is not installed. */
export class ToolMissing extends Error {}

export interface CommandSetup {
  env?: Record<string, string>;
  signal: AbortSignal;
}

/**
 * Runs a program and returns its output. An abort kills it.
 *
 * @throws ToolMissing
 * @throws Error with its output if it fails
 */
export function run(name: string, args: readonly string[], { env = {}, signal }: CommandSetup): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      name,
      args,
      { env: { PATH: process.env.PATH, ...env }, signal, killSignal: 'SIGKILL', maxBuffer: outputLimitBytes },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout + stderr);
        else if (signal.aborted) reject(reasonOf(signal));
        else if (error.code === 'ENOENT') reject(new ToolMissing(name));
        else reject(new Error(`${name} failed: ${error.message}\n${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`));
      },
    );
  });
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason));
}
