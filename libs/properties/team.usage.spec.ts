import { expect, it } from 'vitest';
import {
  exceededLimit,
  MAX_TEAM_BYTES,
  MAX_TEAM_OPTIONS,
  MAX_TEAM_PROPERTIES,
  NO_USAGE,
  type TeamUsage,
} from './team.usage';

it.each([
  ['properties', MAX_TEAM_PROPERTIES],
  ['options', MAX_TEAM_OPTIONS],
  ['bytes', MAX_TEAM_BYTES],
])('limits the %s of a team to %d, and only what adds to them', (of, maximum) => {
  const usage = (count: number): TeamUsage => ({ ...NO_USAGE, [of]: count });
  expect(exceededLimit(usage(maximum - 2), usage(2))).toBeUndefined();
  expect(exceededLimit(usage(maximum - 1), usage(2))).toContain(`${maximum}`);
  expect(exceededLimit(usage(maximum - 1), usage(2))).toContain(`${maximum - 1}:`);
  expect(exceededLimit(usage(maximum * 2), usage(0))).toBeUndefined();
  expect(exceededLimit(usage(maximum * 2), usage(-1))).toBeUndefined();
});
