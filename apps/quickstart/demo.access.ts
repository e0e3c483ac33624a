import { AccessError, AccessService, SCOPES } from '#libs/auth';
import { openDatabase } from '#libs/database';

/** The same on every machine, so that examples can name it. */
export const DEMO_TEAM_ID = 'de300000-0000-4000-8000-000000000001';

const CLIENT = 'quickstart';
const STATEMENT_MS = 10_000;

/** Makes the demo team unless it is there, and a key for it. Touches no other team. */
export async function createDemoKey(databaseUrl: string): Promise<string> {
  const database = openDatabase({ databaseUrl, databasePoolSize: 1, requestTimeoutMs: STATEMENT_MS });
  try {
    const access = AccessService.over(database);
    try {
      await access.createTeam('Demo', DEMO_TEAM_ID);
    } catch (error) {
      // It exists: an earlier start made it.
      if (!(error instanceof AccessError)) throw error;
    }
    const { apiKey } = await access.createKey(DEMO_TEAM_ID, CLIENT, SCOPES);
    return apiKey;
  } finally {
    await database.close();
  }
}
