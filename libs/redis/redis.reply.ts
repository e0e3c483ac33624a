/**
 * What a call came to. `ok: false`: Redis is away, slow or refused, and the caller goes on without it; if the call was
 * `sent`, it may have had its effect, or may have it later.
 */
export type RedisReply = { ok: true; value: unknown } | { ok: false; sent: boolean };
