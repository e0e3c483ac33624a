import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Summary } from '../../tools/chaos/report';

/** What a run of `npm run chaos` printed and found. */
export interface ChaosRun {
  code: number | null;
  output: string;
  /** Undefined if the program could not run. */
  summary: Summary | undefined;
}

/** Compiles the program of `npm run chaos`. */
export async function buildChaos(): Promise<void> {
  await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.tools.json']);
}

/** Runs the program of `npm run chaos`, with a temporary folder of the test. */
export async function chaos(...options: string[]): Promise<ChaosRun> {
  const temporary = mkdtempSync(join(tmpdir(), 'prism-chaos-test-'));
  chmodSync(temporary, 0o755); // readable by the unprivileged user that runs Postgres
  const json = join(temporary, 'summary.json');
  const child = spawn(process.execPath, ['dist/tools/chaos/main.js', ...options, '--json', json], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    rmSync(temporary, { recursive: true, force: true });
  });
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>, // the arguments of `exit`
  ]);
  const done = code === 0 || code === 1;
  return {
    code,
    output: output + errors,
    summary: done ? (JSON.parse(readFileSync(json, 'utf8')) as Summary) : undefined, // written by the program
  };
}
