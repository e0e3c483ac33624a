// @module-tag redis-server
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { failoverKinds, faultKinds } from '../../tools/chaos/fault.schedule';
import { type MutantName, mutants } from '../../tools/chaos/mutants/mutant.catalogue';
import type { Summary } from '../../tools/chaos/report';

const folder = newFolder(join(tmpdir(), 'prism-chaos-test-'));

interface Run {
  code: number | null;
  output: string;
  summary: Summary | undefined;
}

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.tools.json']);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Readable by the unprivileged user that runs Postgres. */
function newFolder(prefix: string): string {
  const made = mkdtempSync(prefix);
  chmodSync(made, 0o755);
  return made;
}

/** Runs the program of `npm run chaos`, with a temporary folder of the test. */
async function chaos(...options: string[]): Promise<Run> {
  const temporary = newFolder(join(folder, 'run-'));
  const json = join(temporary, 'summary.json');
  const child = spawn(process.execPath, ['dist/tools/chaos/main.js', ...options, '--json', json], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
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

describe('chaos', () => {
  it('for a minute causes no lost and no duplicated change', { timeout: 240_000 }, async () => {
    const { code, output, summary } = await chaos('--seconds', '60', '--seed', '20');
    expect(output).toMatch(/^seed 20\n/);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('violations') as string });
    expect(summary).toMatchObject({ violations: 0, figures: { lost: 0, duplicated: 0 } });
    // Every kind of fault was injected.
    expect(Object.keys(summary?.faults ?? {}).sort()).toEqual([...faultKinds].sort());
    const { figures } = summary ?? {};
    for (const figure of [
      'appliedItems',
      'importedRows',
      'retries',
      'withoutResponse',
      'resumedItems',
      'fullReplays',
    ] as const) {
      expect(figures?.[figure], figure).toBeGreaterThan(20);
    }
  });

  it('with failovers of a synchronous pair loses no acknowledged change', { timeout: 240_000 }, async () => {
    const { code, output, summary } = await chaos('--failover', '--seconds', '60', '--seed', '20');
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('violations') as string });
    expect(summary).toMatchObject({ violations: 0, figures: { lost: 0, duplicated: 0 } });
    const { faults, figures, firstWrites } = summary ?? {};
    for (const kind of failoverKinds) expect(faults?.[kind], kind).toBeGreaterThanOrEqual(2);
    expect(firstWrites?.length).toBeGreaterThanOrEqual(6); // each takeover was followed by a write, without a restart
    expect(figures?.appliedItems).toBeGreaterThan(1_000);
  });

  it.each(Object.keys(mutants) as MutantName[])('detects a gateway with %s', { timeout: 150_000 }, async (mutant) => {
    const { code, output } = await chaos('--seconds', '60', '--seed', '20', '--mutant', mutant);
    expect(output).toContain('VIOLATION');
    expect(code).toBe(1);
  });

  it('reports an invalid command line', async () => {
    const { code, output } = await chaos('--mutant', 'nobody');
    expect(code).toBe(2);
    expect(output).toContain('--mutant must be one of mark-skipped');
  });
});
