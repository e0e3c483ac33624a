import { Command, CommanderError } from 'commander';
import { errorLine, messageOf } from './admin.errors';
import { AdminSession, type Terminal } from './admin.session';
import { addClientCommands } from './client.command';
import { addKeyCommands } from './key.command';
import { addMigrateCommand } from './migrate.command';
import { addSbomCommand } from './sbom.command';
import { addTeamCommands } from './team.command';
import { addRowLevelSecurityCommand } from './row-level-security.command';

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/**
 * Runs one command. Results go to stdout, an error goes to stderr in one line.
 * @returns the exit code: 0 done, 1 refused or failed, 2 not a command as the help describes it
 */
export async function runAdmin(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await adminProgram(terminal).parseAsync(args, { from: 'user' });
    return DONE;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
    terminal.stderr.write(errorLine(`error: ${messageOf(error)}`));
    return FAILED;
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
  addSbomCommand(program, session);
  return program;
}
