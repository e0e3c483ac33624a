import { describe, expect, it } from 'vitest';
import { allLanes, faultKinds, scheduleOf } from './fault.schedule';
import { Random } from '../../test/support/random';

const minuteMs = 60_000;

function schedule(seed: number): ReturnType<typeof scheduleOf> {
  return allLanes.flatMap((lane) => scheduleOf(lane, new Random(seed), minuteMs));
}

describe('the schedule of faults', () => {
  it('is the same for the same seed, and differs for another seed', () => {
    expect(schedule(7)).toEqual(schedule(7));
    expect(schedule(7)).not.toEqual(schedule(8));
  });

  it('does not depend on other uses of the random source', () => {
    const [lane] = allLanes;
    if (lane === undefined) throw new Error('no lanes');
    const random = new Random(7);
    random.next();
    expect(scheduleOf(lane, random, minuteMs)).toEqual(scheduleOf(lane, new Random(7), minuteMs));
  });

  it('has every kind of fault within a minute', () => {
    for (let seed = 0; seed < 50; seed++) {
      expect(new Set(schedule(seed).map(({ kind }) => kind))).toEqual(new Set(faultKinds));
    }
  });

  it('has no overlapping faults in a lane', () => {
    for (const lane of allLanes) {
      let freeAt = 0;
      for (const { atMs, holdMs } of scheduleOf(lane, new Random(3), minuteMs)) {
        expect(atMs).toBeGreaterThanOrEqual(freeAt + lane.gapMs[0]);
        freeAt = atMs + holdMs;
      }
    }
  });
});
