import { AccessError, type AccessService, type CreatedApiKey } from '#libs/auth';

/** The same on every machine, so that it is recognizable. */
export const DEMO_TEAM_ID = 'de300000-0000-4000-8000-000000000002';

/** Creates the demo team if it does not exist, and a key for one of its clients. Revokes the client's other keys. */
export async function createDemoKey(access: AccessService, client: string): Promise<CreatedApiKey> {
  try {
    await access.createTeam('Demo traffic', DEMO_TEAM_ID);
  } catch (error) {
    if (!(error instanceof AccessError)) throw error; // An AccessError: the team exists.
  }
  const key = await access.createKey(DEMO_TEAM_ID, client, ['records:read', 'records:write']);
  // A demo that was killed has not revoked its keys.
  for (const { keyId, revokedAt } of await access.listKeys(DEMO_TEAM_ID, client)) {
    if (keyId !== key.keyId && revokedAt === undefined) await access.revokeKey(DEMO_TEAM_ID, keyId);
  }
  return key;
}
