import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApiKey, type NewApiKey } from './api-key';
import type { ApiKeyRepository, StoredApiKey } from './api-key.repository';
import { AuthMetrics } from './auth.metrics';
import { ApiKeyService } from './api-key.service';
import { readSettings } from '#libs/config';
import { Instruments } from '#libs/telemetry';

const ADDRESS = '192.0.2.1';

function stored(key: NewApiKey, change: Partial<StoredApiKey> = {}): StoredApiKey {
  return {
    keyId: key.keyId,
    hash: key.hash,
    teamId: '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1',
    clientId: '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b2',
    clientName: 'billing',
    scopes: ['records:read'],
    expiresAt: undefined,
    revokedAt: undefined,
    limits: { items: { perSecond: 500, burst: 1_000 } },
    ...change,
  };
}

/** A service that reads these rows; the test can change them. */
function serviceOver(rows: Map<string, StoredApiKey>, env: NodeJS.ProcessEnv = {}) {
  const findByKeyId = vi.fn((keyId: string) => Promise.resolve(rows.get(keyId)));
  // The service uses no other method of the repository.
  const repository = { findByKeyId } as Partial<ApiKeyRepository> as ApiKeyRepository;
  const settings = readSettings({ DATABASE_URL: 'postgres://localhost/test', ...env });
  return { service: new ApiKeyService(repository, settings, new AuthMetrics(new Instruments())), findByKeyId };
}

describe('ApiKeyService.authenticate', () => {
  const key = createApiKey();
  const rows = new Map<string, StoredApiKey>();

  beforeEach(() => {
    vi.useFakeTimers();
    rows.clear();
    rows.set(key.keyId, stored(key));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('returns the client and team of a valid key', async () => {
    const { service } = serviceOver(rows);

    expect(await service.authenticate(key.apiKey, ADDRESS)).toEqual({
      keyId: key.keyId,
      clientId: '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b2',
      clientName: 'billing',
      teamId: '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1',
      scopes: new Set(['records:read']),
      limits: { items: { perSecond: 500, burst: 1_000 } },
    });
  });

  it('rejects a malformed key without a lookup', async () => {
    const { service, findByKeyId } = serviceOver(rows);

    expect(await service.authenticate(`${key.apiKey.slice(0, -1)}!`, ADDRESS)).toBe('malformed');
    expect(findByKeyId).not.toHaveBeenCalled();
  });

  it('rejects an unknown key, and caches that it is unknown', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    const other = createApiKey();

    expect(await service.authenticate(other.apiKey, ADDRESS)).toBe('unknown');
    expect(await service.authenticate(other.apiKey, ADDRESS)).toBe('unknown');
    expect(findByKeyId).toHaveBeenCalledTimes(1);
  });

  it('accepts a key 5 s after its creation, although it was unknown before and is in constant use', async () => {
    const { service } = serviceOver(rows);
    const created = createApiKey();
    expect(await service.authenticate(created.apiKey, ADDRESS)).toBe('unknown');
    rows.set(created.keyId, stored(created));
    for (let waited = 0; waited < 5_000; waited += 500) {
      await service.authenticate(created.apiKey, ADDRESS);
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(typeof (await service.authenticate(created.apiKey, ADDRESS))).toBe('object');
  });

  it('rejects the key id of another key with a different secret', async () => {
    const { service } = serviceOver(rows);
    const forged = createApiKey();
    rows.set(forged.keyId, stored(key));

    expect(await service.authenticate(forged.apiKey, ADDRESS)).toBe('unknown');
  });

  it('rejects a revoked key', async () => {
    const { service } = serviceOver(rows);
    rows.set(key.keyId, stored(key, { revokedAt: new Date() }));

    expect(await service.authenticate(key.apiKey, ADDRESS)).toBe('revoked');
  });

  it('rejects a key from the moment it expires, although its row is cached', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    rows.set(key.keyId, stored(key, { expiresAt: new Date(Date.now() + 1_000) }));

    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
    vi.advanceTimersByTime(999);
    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
    vi.advanceTimersByTime(1);
    expect(await service.authenticate(key.apiKey, ADDRESS)).toBe('expired');
    expect(findByKeyId).toHaveBeenCalledTimes(1);
  });

  it('looks a key up once for concurrent requests', async () => {
    const { service, findByKeyId } = serviceOver(rows);

    await Promise.all(Array.from({ length: 50 }, () => service.authenticate(key.apiKey, ADDRESS)));
    await service.authenticate(key.apiKey, ADDRESS);
    expect(findByKeyId).toHaveBeenCalledTimes(1);
  });

  it('rejects a key 5 s after its revocation, even if the lookup was slow', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    const row = stored(key);
    findByKeyId.mockImplementationOnce(() => new Promise((response) => setTimeout(response, 1_900, row)));
    const first = service.authenticate(key.apiKey, ADDRESS);
    rows.set(key.keyId, stored(key, { revokedAt: new Date() }));
    await vi.advanceTimersByTimeAsync(1_900);
    expect(typeof (await first)).toBe('object');

    await vi.advanceTimersByTimeAsync(5_000 - 1_900);
    expect(await service.authenticate(key.apiKey, ADDRESS)).toBe('revoked');
  });

  it('rejects a request whose lookup took too long, and looks the key up again for the next one', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    const row = stored(key);
    findByKeyId.mockImplementationOnce(() => new Promise((response) => setTimeout(response, 4_000, row)));
    const rejected = expect(service.authenticate(key.apiKey, ADDRESS)).rejects.toMatchObject({ status: 503 });
    await vi.advanceTimersByTimeAsync(4_000);
    await rejected;

    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
  });

  it('accepts a cached key for a few seconds while the database is unavailable', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    await service.authenticate(key.apiKey, ADDRESS);
    findByKeyId.mockRejectedValue(new Error('unavailable'));

    vi.advanceTimersByTime(3_000);
    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
    vi.advanceTimersByTime(2_000);
    await expect(service.authenticate(key.apiKey, ADDRESS)).rejects.toThrow('unavailable');
  });
});

describe('a cached key', () => {
  const key = createApiKey();
  const rows = new Map([[key.keyId, stored(key)]]);

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is refreshed in the background, and no request waits for it', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    await service.authenticate(key.apiKey, ADDRESS);
    vi.advanceTimersByTime(2_500);
    findByKeyId.mockReturnValueOnce(new Promise(() => undefined));
    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
    expect(findByKeyId).toHaveBeenCalledTimes(2);
    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
    expect(findByKeyId).toHaveBeenCalledTimes(2);
  });

  it('is rejected 5 s after its revocation, even if it is in constant use', async () => {
    const changing = new Map(rows);
    const { service } = serviceOver(changing);
    await service.authenticate(key.apiKey, ADDRESS);
    changing.set(key.keyId, stored(key, { revokedAt: new Date() }));
    for (let waited = 0; waited < 5_000; waited += 500) {
      await service.authenticate(key.apiKey, ADDRESS);
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(await service.authenticate(key.apiKey, ADDRESS)).toBe('revoked');
  });
});

describe('unknown keys', () => {
  const key = createApiKey();
  const rows = new Map([[key.keyId, stored(key)]]);
  const unknownKey = (): string => createApiKey().apiKey;

  it('are looked up one at a time, and a key that was found before does not wait for them', async () => {
    const { service, findByKeyId } = serviceOver(rows, { AUTH_FAILURES_PER_SECOND: '0' });
    await service.authenticate(key.apiKey, ADDRESS);
    findByKeyId.mockReturnValueOnce(new Promise(() => undefined));
    const settled: unknown[] = [];
    for (let i = 0; i < 1 + 256 + 40; i += 1)
      service.authenticate(unknownKey(), ADDRESS).catch((error: unknown) => settled.push(error));
    await vi.waitFor(() => {
      expect(settled).toHaveLength(40);
    });
    for (const error of settled) expect(error).toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 });
    expect(findByKeyId).toHaveBeenCalledTimes(1 + 1);
    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
  });

  it('do not evict a cached key, however many they are', async () => {
    const { service, findByKeyId } = serviceOver(rows, { AUTH_FAILURES_PER_SECOND: '0' });
    vi.useFakeTimers();
    await service.authenticate(key.apiKey, ADDRESS);
    for (let i = 0; i < 10_001; i += 1) await service.authenticate(unknownKey(), ADDRESS);
    await service.authenticate(key.apiKey, ADDRESS);
    vi.useRealTimers();
    expect(findByKeyId.mock.calls.filter(([keyId]) => keyId === key.keyId)).toHaveLength(1);
  });

  it('of one network delay the first use of a valid key from another network by one lookup', async () => {
    const { service, findByKeyId } = serviceOver(rows, { AUTH_FAILURES_PER_SECOND: '0' });
    const flood = Array.from({ length: 100 }, () => service.authenticate(unknownKey(), ADDRESS));
    expect(typeof (await service.authenticate(key.apiKey, '192.0.2.2'))).toBe('object');
    expect(findByKeyId.mock.calls.length).toBeLessThan(4);
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['unknown']));
  });

  it('are rejected by their address after the burst, before they are looked up', async () => {
    vi.useFakeTimers();
    const { service, findByKeyId } = serviceOver(rows, { AUTH_FAILURES_PER_SECOND: '1', AUTH_FAILURES_BURST: '3' });
    await service.authenticate(key.apiKey, ADDRESS);
    for (let i = 0; i < 4; i += 1) expect(await service.authenticate(unknownKey(), ADDRESS)).toBe('unknown');
    await expect(service.authenticate(unknownKey(), ADDRESS)).rejects.toMatchObject({ code: 'rate_limited' });
    await expect(service.authenticate('malformed', ADDRESS)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(findByKeyId).toHaveBeenCalledTimes(5);

    // A key that was found before and other addresses are accepted; the address itself is accepted again after a second.
    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
    expect(await service.authenticate(unknownKey(), '192.0.2.2')).toBe('unknown');
    vi.advanceTimersByTime(1_000);
    expect(await service.authenticate(unknownKey(), ADDRESS)).toBe('unknown');
    vi.useRealTimers();
  });

  it('are rejected alike whether their id belongs to a key or not, beyond the burst', async () => {
    vi.useFakeTimers();
    const forged = createApiKey();
    const withForged = new Map([...rows, [forged.keyId, stored(key)]]); // the secret of this id is another one
    const { service } = serviceOver(withForged, { AUTH_FAILURES_PER_SECOND: '1', AUTH_FAILURES_BURST: '2' });
    await service.authenticate(key.apiKey, ADDRESS);
    const outcomeOf = (apiKey: string): Promise<unknown> =>
      service.authenticate(apiKey, ADDRESS).catch((error: unknown) => error);
    for (let i = 0; i < 3; i += 1) expect(await outcomeOf(forged.apiKey)).toBe('unknown');
    const [ofKnownId, ofUnknownId] = [await outcomeOf(forged.apiKey), await outcomeOf(unknownKey())];
    expect(ofKnownId).toMatchObject({ code: 'rate_limited' });
    expect(ofKnownId).toEqual(ofUnknownId);
    expect(typeof (await outcomeOf(key.apiKey))).toBe('object');
    vi.useRealTimers();
  });

  it('do not block a key from the same address that was found before and is no longer cached', async () => {
    vi.useFakeTimers();
    const { service, findByKeyId } = serviceOver(rows, { AUTH_FAILURES_PER_SECOND: '1', AUTH_FAILURES_BURST: '1' });
    await service.authenticate(key.apiKey, ADDRESS);
    vi.advanceTimersByTime(5_000);
    for (let i = 0; i < 2; i += 1) await service.authenticate(unknownKey(), ADDRESS);
    await expect(service.authenticate(unknownKey(), ADDRESS)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(typeof (await service.authenticate(key.apiKey, ADDRESS))).toBe('object');
    expect(findByKeyId.mock.calls.filter(([keyId]) => keyId === key.keyId)).toHaveLength(2);
    vi.useRealTimers();
  });

  it.each([
    ['::1', '::2', '1::1'],
    ['2001:db8::', '2001:db8:0:0:9::', '2001:db8:0:1::'],
    ['2001:db8::1:2:3:4', '2001:db8::4:3:2:1', '2001:db8:0:1:1:2:3:4'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
  ])('count together from %s and %s, and not from %s', async (one, same, other) => {
    const { service } = serviceOver(rows, { AUTH_FAILURES_PER_SECOND: '1', AUTH_FAILURES_BURST: '1' });
    await service.authenticate(unknownKey(), one);
    await service.authenticate(unknownKey(), same);
    await expect(service.authenticate(unknownKey(), same)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await service.authenticate(unknownKey(), other)).toBe('unknown');
  });

  it('count together from one IPv6 network', async () => {
    const { service } = serviceOver(rows, { AUTH_FAILURES_PER_SECOND: '1', AUTH_FAILURES_BURST: '1' });
    await service.authenticate(unknownKey(), '2001:db8:1:2::1');
    await service.authenticate(unknownKey(), '2001:db8:1:2:3:4:5:6');
    await expect(service.authenticate(unknownKey(), '2001:db8:1:2::7')).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await service.authenticate(unknownKey(), '2001:db8:1:3::1')).toBe('unknown');
  });
});
