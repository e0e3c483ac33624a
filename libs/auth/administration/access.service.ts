import type { ConnectionPool } from '#libs/database';
import type { Rates } from '#libs/limits';
import { v7 as uuidv7 } from 'uuid';
import { AccessError } from './access.error';
import { createApiKey } from '../api-key';
import type { Scope } from '../scope';
import { type Client, ClientRepository } from './client.repository';
import { ApiKeyAdminRepository, type ApiKeySummary } from './api-key-admin.repository';
import { type Team, TeamRepository } from './team.repository';

/** A new key with its secret, which is shown only once. */
export interface CreatedApiKey extends ApiKeySummary {
  readonly apiKey: string;
}

/**
 * Manages teams, their clients and the clients' API keys. Expects ids, names, scopes and key ids as `access.rules` returns
 * them. Every method throws `AccessError` if the request is not possible, and `DatabaseUnavailable` if Postgres cannot be
 * reached.
 */
export class AccessService {
  private constructor(
    private readonly teams: TeamRepository,
    private readonly clients: ClientRepository,
    private readonly keys: ApiKeyAdminRepository,
  ) {}

  static create(database: ConnectionPool): AccessService {
    return new AccessService(
      new TeamRepository(database),
      new ClientRepository(database),
      new ApiKeyAdminRepository(database),
    );
  }

  /** @param id a new UUIDv7 if undefined */
  async createTeam(name: string, id = uuidv7()): Promise<Team> {
    const team = await this.teams.insert(id, name);
    if (team !== undefined) return team;
    const existing = await this.teams.find(id);
    const nameHint = existing === undefined ? '' : ` (named '${existing.name}')`;
    throw new AccessError(`team ${id} exists already${nameHint}; omit --id to create a new one`);
  }

  listTeams(): Promise<Team[]> {
    return this.teams.list();
  }

  async createClient(teamId: string, name: string): Promise<Client> {
    await this.requireTeam(teamId);
    const client = await this.clients.insert(teamId, uuidv7(), name);
    if (client === undefined) throw new AccessError(`team ${teamId} has a client named '${name}' already`);
    return client;
  }

  async listClients(teamId: string): Promise<Client[]> {
    await this.requireTeam(teamId);
    return this.clients.list(teamId);
  }

  /** Sets the given rate limits and does not change the others. Every gateway applies them within 5 s. */
  async setLimits(teamId: string, name: string, limits: Rates): Promise<Client> {
    const { id } = await this.requireClient(teamId, name);
    await this.clients.setLimits(teamId, id, limits);
    return this.requireClient(teamId, name);
  }

  /** Removes the client's rate limits: the gateways' defaults apply. */
  async clearLimits(teamId: string, name: string): Promise<Client> {
    const { id } = await this.requireClient(teamId, name);
    await this.clients.clearLimits(teamId, id);
    return this.requireClient(teamId, name);
  }

  /** Creates the client too if the team has none with that name. Without `expiresAt` the key never expires. */
  async createKey(
    teamId: string,
    clientName: string,
    scopes: readonly Scope[],
    expiresAt?: Date,
  ): Promise<CreatedApiKey> {
    await this.requireTeam(teamId);
    const client = await this.findOrCreateClient(teamId, clientName);
    const { apiKey, keyId, hash } = createApiKey();
    await this.keys.insert(teamId, client.id, { id: uuidv7(), keyId, hash }, scopes, expiresAt);
    return { ...(await this.requireKey(teamId, keyId)), apiKey };
  }

  async listKeys(teamId: string, clientName?: string): Promise<ApiKeySummary[]> {
    if (clientName === undefined) {
      await this.requireTeam(teamId);
      return this.keys.list(teamId);
    }
    await this.requireClient(teamId, clientName);
    return this.keys.list(teamId, { clientName });
  }

  /**
   * Adds a second key with the client, the scopes and the lifetime of a live one. Both work and share idempotency keys until
   * the old one is revoked, or expires at `oldExpiresAt` at the latest.
   */
  async rotateKey(teamId: string, oldKeyId: string, oldExpiresAt?: Date): Promise<CreatedApiKey> {
    await this.requireTeam(teamId);
    const { apiKey, keyId, hash } = createApiKey();
    if (!(await this.keys.rotate(teamId, oldKeyId, { id: uuidv7(), keyId, hash }, oldExpiresAt))) {
      await this.requireKey(teamId, oldKeyId);
      throw new AccessError(
        `key ${oldKeyId} is revoked or expired; create a new one with: key create --team ${teamId} ...`,
      );
    }
    return { ...(await this.requireKey(teamId, keyId)), apiKey };
  }

  /** Revokes a key: every gateway rejects it within 5 s. Revoking it again changes nothing. */
  async revokeKey(teamId: string, keyId: string): Promise<ApiKeySummary> {
    await this.requireTeam(teamId);
    await this.keys.revoke(teamId, keyId);
    return this.requireKey(teamId, keyId);
  }

  private async requireTeam(teamId: string): Promise<void> {
    if ((await this.teams.find(teamId)) === undefined) {
      throw new AccessError(`there is no team ${teamId}; create it with: team create --id ${teamId} --name <text>`);
    }
  }

  private async requireClient(teamId: string, name: string): Promise<Client> {
    await this.requireTeam(teamId);
    const client = await this.clients.find(teamId, name);
    if (client !== undefined) return client;
    throw new AccessError(`team ${teamId} has no client named '${name}'; see: client list --team ${teamId}`);
  }

  private async requireKey(teamId: string, keyId: string): Promise<ApiKeySummary> {
    const [key] = await this.keys.list(teamId, { keyId });
    if (key === undefined) throw new AccessError(`team ${teamId} has no key ${keyId}; see: key list --team ${teamId}`);
    return key;
  }

  private async findOrCreateClient(teamId: string, name: string): Promise<Client> {
    const client =
      (await this.clients.find(teamId, name)) ??
      (await this.clients.insert(teamId, uuidv7(), name)) ??
      // Another session inserted it in between.
      (await this.clients.find(teamId, name));
    if (client === undefined) throw new AccessError(`another session is changing the client '${name}'; try again`);
    return client;
  }
}
