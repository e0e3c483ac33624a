/*
 * Loaded before the program of the gateway, with --expose-gc: replies to every message with the memory usage after a garbage
 * collection.
 */
process.on('message', () => {
  global.gc?.();
  global.gc?.();
  process.send?.(process.memoryUsage());
});
