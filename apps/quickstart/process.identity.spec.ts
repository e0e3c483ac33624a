import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { describe, expect, it, onTestFinished } from 'vitest';

import { identify, isRunning, type ProcessIdentity, stopProcess } from './process.identity';

const IGNORE_SIGTERM = `process.on('SIGTERM', () => undefined);`;

/** Starts a process that runs `setup`, and resolves when it is ready. */
async function start(setup = ''): Promise<ProcessIdentity> {
  const script = `${setup} console.log('ready'); setInterval(() => undefined, 1000)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  const identity = identify(child.pid ?? 0);
  if (!identity) throw new Error('the process ended at once');
  return identity;
}

describe('stopProcess', () => {
  it('ends a process', async () => {
    const identity = await start();
    await stopProcess(identity, 'SIGTERM');
    expect(isRunning(identity)).toBe(false);
  });

  it('ends a process that ignores the first signal', async () => {
    const identity = await start(IGNORE_SIGTERM);
    await stopProcess(identity, 'SIGTERM', 50);
    expect(isRunning(identity)).toBe(false);
  });

  it('does not signal another process with the same id', async () => {
    const other = await start();
    await stopProcess({ ...other, started: 'another time' }, 'SIGKILL');
    expect(isRunning(other)).toBe(true);
  });
});
