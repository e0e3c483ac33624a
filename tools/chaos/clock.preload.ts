/**
 * Loaded before the program: shifts `Date` by `CHAOS_CLOCK_SHIFT_MS`, but not timers and `performance.now()`, like a machine
 * whose clock is set wrong.
 */
const shiftMs = Number(process.env.CHAOS_CLOCK_SHIFT_MS);
const TrueDate = Date;

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, given: unknown[], newTarget): Date =>
    Reflect.construct(target, given.length === 0 ? [target.now() + shiftMs] : given, newTarget) as Date, // the constructor of Date
  apply: (target): string => new target(target.now() + shiftMs).toString(),
  get: (target, property, receiver): unknown =>
    property === 'now' ? () => target.now() + shiftMs : Reflect.get(target, property, receiver),
});
