import { DatabaseUnavailable, describeConnectionFailure } from '#libs/database';
import { Command, CommanderError } from 'commander';
import { AdminSession, type Terminal } from './admin.session';
import { addClientCommands } from './client.command';
import { addClusterCommands } from './cluster.command';
import { addMigrateCommand, addRowLevelSecurityCommand } from './database.command';
import { addSbomCommand } from './sbom.command';
import { addKeyCommands } from './key.command';
import { addTeamCommands } from './team.command';

const SUCCESS = 0;
const FAILURE = 1;
const USAGE_ERROR = 2;

/**
 * Runs one command. Results go to stdout; an error goes to stderr on one line.
 * @returns the exit code: 0 success, 1 rejected or failed, 2 usage error
 */
export async function runAdmin(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await adminProgram(terminal).parseAsync(args, { from: 'user' });
    return SUCCESS;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? SUCCESS : USAGE_ERROR;
    terminal.stderr.write(errorLine(`error: ${messageOf(error)}`));
    return FAILURE;
  }
}

function adminProgram(terminal: Terminal): Command {
  const session = new AdminSession(terminal);
  const program = new Command('admin')
    .description('Teams, clients and API keys, the database schema, and the software bill of materials.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: (text, write) => {
        write(errorLine(text));
      },
    });
  addTeamCommands(program, session);
  addClientCommands(program, session);
  addKeyCommands(program, session);
  addMigrateCommand(program, session);
  addRowLevelSecurityCommand(program, session);
  addClusterCommands(program, session);
  addSbomCommand(program, session);
  return program;
}

/** The error's message, without a stack trace. */
function messageOf(error: unknown): string {
  if (error instanceof DatabaseUnavailable) {
    return `the database of DATABASE_URL is not available: ${describeConnectionFailure(error)}`;
  }
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}

/** One line, without an API key that was pasted in place of something else. */
function errorLine(text: string): string {
  return `${text
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/prism_\w+/g, 'prism_...')}\n`;
}
