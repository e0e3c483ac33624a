/**
 * The result of a call. `ok: false`: Redis is unavailable, did not respond in time, or returned an error; the caller continues
 * without Redis. If the call was `sent`, Redis may have executed it, or may execute it later.
 */
export type RedisReply = { ok: true; value: unknown } | { ok: false; sent: boolean };
