/**
 * Loaded before the program: its calendar is off by `CHAOS_CLOCK_SHIFT_MS`. Timers and `performance.now()` are as ever,
 * as on a machine whose clock was set wrong.
 */
const shiftMs = Number(process.env.CHAOS_CLOCK_SHIFT_MS);
const TrueDate = Date;

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, given: unknown[], newTarget): Date =>
    Reflect.construct(target, given.length === 0 ? [target.now() + shiftMs] : given, newTarget) as Date, // it makes dates
  apply: (target): string => new target(target.now() + shiftMs).toString(),
  get: (target, property, receiver): unknown =>
    property === 'now' ? () => target.now() + shiftMs : Reflect.get(target, property, receiver),
});
