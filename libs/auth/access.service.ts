import type { ConnectionPool } from '#libs/database';
import type { Rates } from '#libs/limits';
import { Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { AccessError } from './access.error';
import { createApiKey } from './api-key';
import { ApiKeyRepository, type ListedApiKey } from './api-key.repository';
import { type Client, ClientRepository } from './client.repository';
import type { Scope } from './scope';
import { type Team, TeamRepository } from './team.repository';

/** A key just made: the only time that `apiKey`, the whole of it, is known. */
export interface IssuedApiKey extends ListedApiKey {
  readonly apiKey: string;
}

/**
 * Makes and ends what gives access: teams, their clients, and the clients' keys.
 * Ids, names, scopes and key ids are taken as `access.rules` return them. Every method throws `AccessError` if it cannot do
 * what it is asked to, and `DatabaseUnavailable` when Postgres is away.
 */
@Injectable()
export class AccessService {
  constructor(
    private readonly teams: TeamRepository,
    private readonly clients: ClientRepository,
    private readonly keys: ApiKeyRepository,
  ) {}

  /** For programs without an injector: the command line, and tests. */
  static over(database: ConnectionPool): AccessService {
    return new AccessService(
      new TeamRepository(database),
      new ClientRepository(database),
      new ApiKeyRepository(database),
    );
  }

  /** @param id a new UUIDv7 if undefined */
  async createTeam(name: string, id = uuid()): Promise<Team> {
    const team = await this.teams.insert(id, name);
    if (team !== undefined) return team;
    const existing = await this.teams.find(id);
    const whose = existing === undefined ? '' : ` (named '${existing.name}')`;
    throw new AccessError(`team ${id} exists already${whose}; leave out --id to make a new one`);
  }

  listTeams(): Promise<Team[]> {
    return this.teams.list();
  }

  async createClient(teamId: string, name: string): Promise<Client> {
    await this.requireTeam(teamId);
    const client = await this.clients.insert(teamId, uuid(), name);
    if (client === undefined) throw new AccessError(`team ${teamId} has a client named '${name}' already`);
    return client;
  }

  async listClients(teamId: string): Promise<Client[]> {
    await this.requireTeam(teamId);
    return this.clients.list(teamId);
  }

  /** Sets the limits that are given, the others stay. Within 5 s every gateway goes by them. */
  async limitClient(teamId: string, name: string, limits: Rates): Promise<Client> {
    const { id } = await this.requireClient(teamId, name);
    await this.clients.setLimits(teamId, id, limits);
    return this.requireClient(teamId, name);
  }

  /** Has a client limited as those are for which nothing was set. */
  async unsetLimits(teamId: string, name: string): Promise<Client> {
    const { id } = await this.requireClient(teamId, name);
    await this.clients.clearLimits(teamId, id);
    return this.requireClient(teamId, name);
  }

  /** Makes the client too if the team has none of that name. Without `expiresAt` the key lives until it is revoked. */
  async createKey(
    teamId: string,
    clientName: string,
    scopes: readonly Scope[],
    expiresAt?: Date,
  ): Promise<IssuedApiKey> {
    await this.requireTeam(teamId);
    const client = await this.clientNamed(teamId, clientName);
    const { apiKey, keyId, hash } = createApiKey();
    await this.keys.insert(teamId, client.id, { id: uuid(), keyId, hash }, scopes, expiresAt);
    return { ...(await this.requireKey(teamId, keyId)), apiKey };
  }

  async listKeys(teamId: string, clientName?: string): Promise<ListedApiKey[]> {
    if (clientName === undefined) {
      await this.requireTeam(teamId);
      return this.keys.list(teamId);
    }
    await this.requireClient(teamId, clientName);
    return this.keys.list(teamId, { clientName });
  }

  /**
   * Adds a second key with the client, the scopes and the lifetime of a live one. Both work, and share idempotency keys,
   * until the old one is revoked or, if `oldEndsAt` is given, until then.
   */
  async rotateKey(teamId: string, oldKeyId: string, oldEndsAt?: Date): Promise<IssuedApiKey> {
    await this.requireTeam(teamId);
    const { apiKey, keyId, hash } = createApiKey();
    if (!(await this.keys.rotate(teamId, oldKeyId, { id: uuid(), keyId, hash }, oldEndsAt))) {
      await this.requireKey(teamId, oldKeyId);
      throw new AccessError(
        `key ${oldKeyId} is revoked or expired; make a new one with: key create --team ${teamId} ...`,
      );
    }
    return { ...(await this.requireKey(teamId, keyId)), apiKey };
  }

  /** Ends a key: within 5 s no gateway honours it. Revoking it again changes nothing. */
  async revokeKey(teamId: string, keyId: string): Promise<ListedApiKey> {
    await this.requireTeam(teamId);
    await this.keys.revoke(teamId, keyId);
    return this.requireKey(teamId, keyId);
  }

  private async requireTeam(teamId: string): Promise<void> {
    if ((await this.teams.find(teamId)) === undefined) {
      throw new AccessError(`there is no team ${teamId}; make it with: team create --id ${teamId} --name <text>`);
    }
  }

  private async requireClient(teamId: string, name: string): Promise<Client> {
    await this.requireTeam(teamId);
    const client = await this.clients.find(teamId, name);
    if (client !== undefined) return client;
    throw new AccessError(`team ${teamId} has no client named '${name}'; see: client list --team ${teamId}`);
  }

  private async requireKey(teamId: string, keyId: string): Promise<ListedApiKey> {
    const [key] = await this.keys.list(teamId, { keyId });
    if (key === undefined) throw new AccessError(`team ${teamId} has no key ${keyId}; see: key list --team ${teamId}`);
    return key;
  }

  private async clientNamed(teamId: string, name: string): Promise<Client> {
    const client =
      (await this.clients.find(teamId, name)) ??
      (await this.clients.insert(teamId, uuid(), name)) ??
      // Someone else made it between the two.
      (await this.clients.find(teamId, name));
    if (client === undefined) throw new AccessError(`the client '${name}' is being changed by someone else; try again`);
    return client;
  }
}
