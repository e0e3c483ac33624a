/**
 * The first key through which merging `value` could reach a prototype: `__proto__`, or `constructor` holding `prototype`.
 * `value` comes from JSON.parse, which makes such keys ordinary ones, and is nested no deeper than the stack allows.
 */
export function findPollutingKey(value: unknown): '__proto__' | 'constructor.prototype' | undefined {
  if (!isContainer(value)) return undefined;
  if (Array.isArray(value)) return findInArray(value);
  for (const key in value) {
    if (key === '__proto__') return key;
    const member = value[key];
    if (!isContainer(member)) continue;
    if (key === 'constructor' && Object.hasOwn(member, 'prototype')) return 'constructor.prototype';
    const inside = findPollutingKey(member);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** By index: to name the elements of a long array would cost ten times as much as to look at them. */
function findInArray(values: readonly unknown[]): ReturnType<typeof findPollutingKey> {
  for (const value of values) {
    const inside = findPollutingKey(value);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Whether the value is an object or an array. */
function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
