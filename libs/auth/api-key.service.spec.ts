import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApiKey, type NewApiKey } from './api-key';
import type { ApiKeyRepository, StoredApiKey } from './api-key.repository';
import { ApiKeyService } from './api-key.service';

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

/** A service over rows that the test may change. */
function serviceOver(rows: Map<string, StoredApiKey>) {
  const findByKeyId = vi.fn((keyId: string) => Promise.resolve(rows.get(keyId)));
  // Authentication asks the repository for nothing else.
  return { service: new ApiKeyService({ findByKeyId } as Partial<ApiKeyRepository> as ApiKeyRepository), findByKeyId };
}

describe('who calls by an API key', () => {
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

  it('is the client and team of a live key', async () => {
    const { service } = serviceOver(rows);

    expect(await service.authenticate(key.apiKey)).toEqual({
      keyId: key.keyId,
      clientId: '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b2',
      clientName: 'billing',
      teamId: '0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1',
      scopes: new Set(['records:read']),
      limits: { items: { perSecond: 500, burst: 1_000 } },
    });
  });

  it('is nobody, without a look-up, for a key with a typing error', async () => {
    const { service, findByKeyId } = serviceOver(rows);

    expect(await service.authenticate(`${key.apiKey.slice(0, -1)}!`)).toBe('malformed');
    expect(findByKeyId).not.toHaveBeenCalled();
  });

  it('is nobody for a key that was never made, and one look-up says so for a while', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    const other = createApiKey();

    expect(await service.authenticate(other.apiKey)).toBe('unknown');
    expect(await service.authenticate(other.apiKey)).toBe('unknown');
    expect(findByKeyId).toHaveBeenCalledTimes(1);
  });

  it('is nobody for the key id of another key with a secret of its own', async () => {
    const { service } = serviceOver(rows);
    const forged = createApiKey();
    rows.set(forged.keyId, stored(key));

    expect(await service.authenticate(forged.apiKey)).toBe('unknown');
  });

  it('is nobody for a revoked key', async () => {
    const { service } = serviceOver(rows);
    rows.set(key.keyId, stored(key, { revokedAt: new Date() }));

    expect(await service.authenticate(key.apiKey)).toBe('revoked');
  });

  it('is nobody from the moment a key expires, though its row is cached', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    rows.set(key.keyId, stored(key, { expiresAt: new Date(Date.now() + 1_000) }));

    expect(typeof (await service.authenticate(key.apiKey))).toBe('object');
    vi.advanceTimersByTime(999);
    expect(typeof (await service.authenticate(key.apiKey))).toBe('object');
    vi.advanceTimersByTime(1);
    expect(await service.authenticate(key.apiKey)).toBe('expired');
    expect(findByKeyId).toHaveBeenCalledTimes(1);
  });

  it('is read once for many calls at once', async () => {
    const { service, findByKeyId } = serviceOver(rows);

    await Promise.all(Array.from({ length: 50 }, () => service.authenticate(key.apiKey)));
    await service.authenticate(key.apiKey);
    expect(findByKeyId).toHaveBeenCalledTimes(1);
  });

  it('is nobody at the latest 5 s after the key was revoked, however slow the look-up was', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    const row = stored(key);
    findByKeyId.mockImplementationOnce(() => new Promise((answer) => setTimeout(answer, 1_900, row)));
    const first = service.authenticate(key.apiKey);
    rows.set(key.keyId, stored(key, { revokedAt: new Date() }));
    await vi.advanceTimersByTimeAsync(1_900);
    expect(typeof (await first)).toBe('object');

    await vi.advanceTimersByTimeAsync(5_000 - 1_900);
    expect(await service.authenticate(key.apiKey)).toBe('revoked');
  });

  it('is not known from a row that took too long to come, and the next call asks anew', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    const row = stored(key);
    findByKeyId.mockImplementationOnce(() => new Promise((answer) => setTimeout(answer, 4_000, row)));
    const refused = expect(service.authenticate(key.apiKey)).rejects.toMatchObject({ status: 503 });
    await vi.advanceTimersByTimeAsync(4_000);
    await refused;

    expect(typeof (await service.authenticate(key.apiKey))).toBe('object');
  });

  it('stays known for a moment when the database goes away', async () => {
    const { service, findByKeyId } = serviceOver(rows);
    await service.authenticate(key.apiKey);
    findByKeyId.mockRejectedValue(new Error('away'));

    vi.advanceTimersByTime(3_000);
    expect(typeof (await service.authenticate(key.apiKey))).toBe('object');
    vi.advanceTimersByTime(2_000);
    await expect(service.authenticate(key.apiKey)).rejects.toThrow('away');
  });
});
