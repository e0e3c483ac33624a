import { AccessError, type AccessService, type IssuedApiKey } from '#libs/auth';

/** The same on every machine, so that it can be told from teams that matter. */
export const DEMO_TEAM_ID = 'de300000-0000-4000-8000-000000000002';

/** Makes the demo's team unless it is there, and a key for one of its clients: the only one that the client has then. */
export async function demoKey(access: AccessService, client: string): Promise<IssuedApiKey> {
  try {
    await access.createTeam('Demo traffic', DEMO_TEAM_ID);
  } catch (error) {
    // It exists: an earlier start made it.
    if (!(error instanceof AccessError)) throw error;
  }
  const key = await access.createKey(DEMO_TEAM_ID, client, ['records:read', 'records:write']);
  // Nobody has those any more: a demo that is killed ends none of its keys.
  for (const { keyId, revokedAt } of await access.listKeys(DEMO_TEAM_ID, client)) {
    if (keyId !== key.keyId && revokedAt === undefined) await access.revokeKey(DEMO_TEAM_ID, keyId);
  }
  return key;
}
