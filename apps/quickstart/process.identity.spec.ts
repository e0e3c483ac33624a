import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { describe, expect, it, onTestFinished } from 'vitest';

import { identify, type ProcessIdentity, stillRuns, stopProcess } from './process.identity';

/** A process that says when it is up; it ignores SIGTERM if told to. */
async function start(ignoring = ''): Promise<ProcessIdentity> {
  const script = `${ignoring} console.log('up'); setInterval(() => undefined, 1000)`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  await once(child.stdout, 'data');
  const identity = identify(child.pid ?? 0);
  if (!identity) throw new Error('it ended at once');
  return identity;
}

describe('stopping a process', () => {
  it('goes on to the next signal when one is ignored', async () => {
    const identity = await start(`process.on('SIGTERM', () => undefined);`);
    await stopProcess(identity, [
      { signal: 'SIGTERM', waitMs: 50 },
      { signal: 'SIGKILL', waitMs: 5_000 },
    ]);
    expect(stillRuns(identity)).toBe(false);
  });

  it('leaves a stranger alone that has the number now', async () => {
    const otherTeam = await start();
    await stopProcess({ ...otherTeam, started: 'another time' }, [{ signal: 'SIGKILL', waitMs: 50 }]);
    expect(stillRuns(otherTeam)).toBe(true);
  });
});
