import {
  type CreatedApiKey,
  type ApiKeySummary,
  parseKeyId,
  parseName,
  parseScopes,
  parseTeamId,
  type Scope,
  SCOPES,
} from '#libs/auth';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { checked, futureTime, timeAfter } from './option.parser';

interface CreateOptions {
  team: string;
  client: string;
  scope: Scope[];
  expires?: Date;
  json?: true;
}

interface ListOptions {
  team: string;
  client?: string;
  json?: true;
}

interface RotateOptions {
  team: string;
  key: string;
  revokeOldAfter?: Date;
  json?: true;
}

interface RevokeOptions {
  team: string;
  key: string;
  json?: true;
}

export function addKeyCommands(program: Command, session: AdminSession): void {
  const key = program.command('key').description('The API keys of clients.');
  addCreate(key, session);
  addList(key, session);
  addRotate(key, session);
  addRevoke(key, session);
}

function addCreate(key: Command, session: AdminSession): void {
  teamCommand(key, 'create', 'Create a key. It is shown once.')
    .requiredOption(
      '--client <name>',
      'the client that will use it; created if the team has none with that name',
      checked(parseName),
    )
    .requiredOption('--scope <a,b>', `its scopes: some of ${SCOPES.join(',')}`, checked(parseScopes))
    .option('--expires <when>', 'a duration such as 90d, or an ISO 8601 time; by default never', futureTime)
    .action(async (options: CreateOptions) => {
      const { team, client, scope, expires } = options;
      const created = await session.withAccess((access) => access.createKey(team, client, scope, expires));
      if (options.json) session.printJson(createdDocument(created, team));
      else session.print(createdText(created, team));
    });
}

function addList(key: Command, session: AdminSession): void {
  teamCommand(key, 'list', "List a team's keys, including revoked and expired ones, without their secrets.")
    .option('--client <name>', 'only the keys of this client', checked(parseName))
    .action(async (options: ListOptions) => {
      const keys = await session.withAccess((access) => access.listKeys(options.team, options.client));
      if (options.json) session.printJson({ keys: keys.map(keyDocument) });
      else printKeys(session, keys);
    });
}

function addRotate(key: Command, session: AdminSession): void {
  teamCommand(key, 'rotate', 'Create a second key with the client, scopes and lifetime of a live one. Both work.')
    .requiredOption('--key <key id>', 'the id of the key to replace', checked(parseKeyId))
    .option('--revoke-old-after <duration>', 'expire the old key after a duration such as 7d', timeAfter)
    .action(async (options: RotateOptions) => {
      const { team, key: old, revokeOldAfter } = options;
      const created = await session.withAccess((access) => access.rotateKey(team, old, revokeOldAfter));
      if (options.json) session.printJson({ ...createdDocument(created, team), replaces: old });
      else session.print(`${createdText(created, team)}\n${oldKeyText(options)}`);
    });
}

function addRevoke(key: Command, session: AdminSession): void {
  teamCommand(key, 'revoke', 'Revoke a key. Every gateway rejects it within 5 s.')
    .requiredOption('--key <key id>', 'the id of the key', checked(parseKeyId))
    .action(async (options: RevokeOptions) => {
      const revoked = await session.withAccess((access) => access.revokeKey(options.team, options.key));
      if (options.json) session.printJson(keyDocument(revoked));
      else
        session.print(
          `key ${options.key} of client ${revoked.clientName} is revoked; every gateway rejects it within 5 s`,
        );
    });
}

function teamCommand(key: Command, name: string, description: string): Command {
  return key
    .command(name)
    .description(description)
    .requiredOption('--team <uuid>', "the team's id", checked(parseTeamId))
    .option('--json', 'print a JSON document');
}

function oldKeyText({ team, key, revokeOldAfter }: RotateOptions): string {
  return revokeOldAfter === undefined
    ? `The old key works until you revoke it: key revoke --team ${team} --key ${key}`
    : `The old key works until ${revokeOldAfter.toISOString()} at the latest.`;
}

/** A new key as JSON, with the API key itself. */
function createdDocument(key: CreatedApiKey, teamId: string): Record<string, unknown> {
  return { api_key: key.apiKey, team_id: teamId, ...keyDocument(key) };
}

function createdText(key: CreatedApiKey, teamId: string): string {
  const expiry = key.expiresAt === undefined ? 'never expires' : `expires ${key.expiresAt.toISOString()}`;
  return [
    `key ${key.keyId} of client ${key.clientName}, team ${teamId}: ${key.scopes.join(',')}; ${expiry}`,
    key.apiKey,
    'Store it now: it is shown only once, and the database has only its hash.',
  ].join('\n');
}

/** A key as JSON, without the API key itself. */
function keyDocument(key: ApiKeySummary): Record<string, unknown> {
  return {
    key_id: key.keyId,
    client: key.clientName,
    scopes: key.scopes,
    status: keyStatusOf(key),
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}

function printKeys(session: AdminSession, keys: readonly ApiKeySummary[]): void {
  session.printTable(
    ['KEY ID', 'CLIENT', 'SCOPES', 'STATUS', 'CREATED', 'EXPIRES', 'REVOKED'],
    keys.map((key) => [
      key.keyId,
      key.clientName,
      key.scopes.join(','),
      keyStatusOf(key),
      key.createdAt.toISOString(),
      key.expiresAt?.toISOString() ?? '-',
      key.revokedAt?.toISOString() ?? '-',
    ]),
  );
}

function keyStatusOf(key: ApiKeySummary): 'live' | 'revoked' | 'expired' {
  if (key.revokedAt !== undefined) return 'revoked';
  return key.expiresAt !== undefined && key.expiresAt.getTime() <= Date.now() ? 'expired' : 'live';
}
