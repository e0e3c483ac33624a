/** How long a key whose lifetime is over is rejected rather than new again. */
export const STALE_SECONDS = 7 * 86_400;
