import { AccessService, type Scope } from '#libs/auth';
import type { Database } from '#libs/database';

/** A calling application with a team, keys and records of its own. */
export interface Party {
  teamId: string;
  /** Of one client: a rotation leaves several keys live. */
  apiKeys: [string, ...string[]];
  recordIds: string[];
}

/** A party that attacks. */
export interface AttackingParty extends Party {
  /** A key of a second client of the same team. */
  otherApiKey: string;
}

export interface Parties {
  attacker: AttackingParty;
  victim: Party;
}

const SCOPES: readonly Scope[] = ['records:read', 'records:write', 'schema:write'];
const RECORDS = 20;
/** Enough keys that the gateway must look up keys continuously. */
const VICTIM_KEYS = 60;
const ATTACKER_KEYS = 20;

/** Creates two teams with their clients, keys and records. */
export async function createParties(database: Database, gatewayUrl: string): Promise<Parties> {
  const access = AccessService.create(database);
  const victim = await createParty(access, gatewayUrl, 'victim', VICTIM_KEYS);
  const party = await createParty(access, gatewayUrl, 'attacker', ATTACKER_KEYS);
  const { apiKey: otherApiKey } = await access.createKey(party.teamId, 'second attacker', SCOPES);
  return { victim, attacker: { ...party, otherApiKey } };
}

/** Creates a record. @throws Error unless the status is 201 */
export async function createRecord(gatewayUrl: string, { teamId, apiKeys }: Party, content: object): Promise<string> {
  const response = await fetch(`${gatewayUrl}/v2/prism/${teamId}/organization`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKeys[0] },
    body: JSON.stringify(content),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`creating a record returned ${response.status}: ${text.slice(0, 500)}`);
  return (JSON.parse(text) as { id: string }).id; // a record of the API
}

async function createParty(access: AccessService, gatewayUrl: string, name: string, keys: number): Promise<Party> {
  const { id: teamId } = await access.createTeam(`The ${name}`);
  const newKey = async (): Promise<string> => (await access.createKey(teamId, name, SCOPES)).apiKey;
  const party: Party = { teamId, apiKeys: [await newKey()], recordIds: [] };
  while (party.apiKeys.length < keys) party.apiKeys.push(await newKey());
  for (let n = 0; n < RECORDS; n++) {
    const content = { default: { name: `Organization ${n}`, tags: ['customer', 'north'] } };
    party.recordIds.push(await createRecord(gatewayUrl, party, content));
  }
  return party;
}
