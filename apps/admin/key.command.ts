import { keyIdFrom, nameOf, type Scope, SCOPES, scopesOf, teamIdOf } from '#libs/auth';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { issuedDocument, issuedText, listedDocument, listedText } from './key.view';
import { checked, futureMoment, momentAfter } from './option.parser';

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
  const key = program.command('key').description('The API keys by which clients call.');
  addCreate(key, session);
  addList(key, session);
  addRotate(key, session);
  addRevoke(key, session);
}

function addCreate(key: Command, session: AdminSession): void {
  teamCommand(key, 'create', 'Make a key. It is shown once.')
    .requiredOption('--client <name>', 'the application that will use it; made if the team has none', checked(nameOf))
    .requiredOption('--scope <a,b>', `what it may do: some of ${SCOPES.join(',')}`, checked(scopesOf))
    .option('--expires <when>', 'a duration such as 90d, or an ISO 8601 time; never if left out', futureMoment)
    .action(async (options: CreateOptions) => {
      const { team, client, scope, expires } = options;
      const made = await session.withAccess((access) => access.createKey(team, client, scope, expires));
      if (options.json) session.printJson(issuedDocument(made, team));
      else session.print(issuedText(made, team));
    });
}

function addList(key: Command, session: AdminSession): void {
  teamCommand(key, 'list', "List a team's keys, revoked and expired ones too. Never a secret.")
    .option('--client <name>', 'only the keys of this application', checked(nameOf))
    .action(async (options: ListOptions) => {
      const keys = await session.withAccess((access) => access.listKeys(options.team, options.client));
      if (options.json) session.printJson({ keys: keys.map(listedDocument) });
      else session.print(listedText(keys));
    });
}

function addRotate(key: Command, session: AdminSession): void {
  teamCommand(key, 'rotate', 'Make a second key with the client, scopes and lifetime of a live one. Both work.')
    .requiredOption('--key <key id>', 'the key to be replaced, as listed', checked(keyIdFrom))
    .option('--revoke-old-after <duration>', 'let the old key end by itself, such as after 7d', momentAfter)
    .action(async (options: RotateOptions) => {
      const { team, key: old, revokeOldAfter } = options;
      const made = await session.withAccess((access) => access.rotateKey(team, old, revokeOldAfter));
      if (options.json) session.printJson({ ...issuedDocument(made, team), replaces: old });
      else session.print(`${issuedText(made, team)}\n${fateOfOld(options)}`);
    });
}

function addRevoke(key: Command, session: AdminSession): void {
  teamCommand(key, 'revoke', 'End a key. Within 5 s no gateway honours it.')
    .requiredOption('--key <key id>', 'the key, as listed', checked(keyIdFrom))
    .action(async (options: RevokeOptions) => {
      const revoked = await session.withAccess((access) => access.revokeKey(options.team, options.key));
      if (options.json) session.printJson(listedDocument(revoked));
      else
        session.print(
          `key ${options.key} of client ${revoked.clientName} is revoked; within 5 s no gateway honours it`,
        );
    });
}

function teamCommand(key: Command, name: string, description: string): Command {
  return key
    .command(name)
    .description(description)
    .requiredOption('--team <uuid>', "the team's id", checked(teamIdOf))
    .option('--json', 'print a JSON document');
}

function fateOfOld({ team, key, revokeOldAfter }: RotateOptions): string {
  return revokeOldAfter === undefined
    ? `The old key works until you revoke it: key revoke --team ${team} --key ${key}`
    : `The old key works until ${revokeOldAfter.toISOString()} at the latest.`;
}
