import type { IssuedApiKey, ListedApiKey } from '#libs/auth';
import { textTable } from './text.table';

/** A key just made, whole, as JSON. */
export function issuedDocument(key: IssuedApiKey, teamId: string): Record<string, unknown> {
  return { api_key: key.apiKey, team_id: teamId, ...listedDocument(key) };
}

export function issuedText(key: IssuedApiKey, teamId: string): string {
  const expiry = key.expiresAt === undefined ? 'never expires' : `expires ${key.expiresAt.toISOString()}`;
  return [
    `key ${key.keyId} of client ${key.clientName}, team ${teamId}: ${key.scopes.join(',')}; ${expiry}`,
    key.apiKey,
    'Keep it now: it is shown this once and stored only as a hash.',
  ].join('\n');
}

/** A key as JSON, without its secret. */
export function listedDocument(key: ListedApiKey): Record<string, unknown> {
  return {
    key_id: key.keyId,
    client: key.clientName,
    scopes: key.scopes,
    status: statusOf(key),
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}

export function listedText(keys: readonly ListedApiKey[]): string {
  return textTable(
    ['KEY ID', 'CLIENT', 'SCOPES', 'STATUS', 'CREATED', 'EXPIRES', 'REVOKED'],
    keys.map((key) => [
      key.keyId,
      key.clientName,
      key.scopes.join(','),
      statusOf(key),
      key.createdAt.toISOString(),
      key.expiresAt?.toISOString() ?? '-',
      key.revokedAt?.toISOString() ?? '-',
    ]),
  );
}

function statusOf(key: ListedApiKey): 'live' | 'revoked' | 'expired' {
  if (key.revokedAt !== undefined) return 'revoked';
  return key.expiresAt !== undefined && key.expiresAt.getTime() <= Date.now() ? 'expired' : 'live';
}
