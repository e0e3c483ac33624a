import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cpuSecondsOf, processTreeCpuSecondsOf, readStat } from './process.usage';

const line =
  '4711 (a (strange) name) S 815 4711 4711 0 -1 4194560 5136 90 0 1 250 150 1200 30 20 0 11 0 8291 1 2 18446744073709551615';

describe('readStat', () => {
  it('reads the fields after a name with parentheses and spaces', () => {
    expect(readStat(line)).toEqual({ parent: 815, ownSeconds: 4, endedChildrenSeconds: 12.3 });
  });
});

describe('processTreeCpuSecondsOf', () => {
  it('includes ended children', () => {
    const before = processTreeCpuSecondsOf(process.pid);
    const own = cpuSecondsOf(process.pid);
    spawnSync(process.execPath, [
      '-e',
      'const end = process.cpuUsage().user + 2e5; while (process.cpuUsage().user < end);',
    ]);
    const byChildren = processTreeCpuSecondsOf(process.pid) - before - (cpuSecondsOf(process.pid) - own);
    expect(byChildren).toBeGreaterThanOrEqual(0.18);
  }, 30_000);

  it('uses the clock ticks of the system', () => {
    expect(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).trim()).toBe('100');
  });
});
