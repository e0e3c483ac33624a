/*
 * Loaded into the gateway before its program, with --expose-gc: answers every message with what is left in memory when
 * nothing is left that could go.
 */
process.on('message', () => {
  global.gc?.();
  global.gc?.();
  process.send?.(process.memoryUsage());
});
