import { AccessService } from '#libs/auth';
import { readSettings, type Settings } from '#libs/config';
import { type Database, openDatabase, pendingMigrations } from '#libs/database';

/** What the command line needs of its process. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** A command cannot be carried out. The message says what is wrong, where, and how to mend it, in one line. */
class AdminError extends Error {
  override readonly name = 'AdminError';
}

/** What the commands share: the terminal, the settings, and a database that is ready. */
export class AdminSession {
  constructor(private readonly terminal: Terminal) {}

  print(line: string): void {
    this.terminal.stdout.write(`${line}\n`);
  }

  /** One JSON document on one line, so that it can be told from whatever a runner such as npm prints before it. */
  printJson(document: Readonly<Record<string, unknown>>): void {
    this.print(JSON.stringify(document));
  }

  /** @throws SettingsError naming every variable that is missing or wrong */
  settings(): Settings {
    return readSettings(this.terminal.env);
  }

  /** Runs the work on teams, clients and keys of a database whose migrations are current. */
  withAccess<T>(work: (access: AccessService) => Promise<T>): Promise<T> {
    return this.withDatabase((database) => work(AccessService.over(database)));
  }

  /** Runs the work on a database whose migrations are current, and closes the connection. */
  async withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const { databaseUrl, requestTimeoutMs } = this.settings();
    const database = openDatabase({ databaseUrl, requestTimeoutMs, databasePoolSize: 1 });
    try {
      await requireCurrentMigrations(database);
      return await work(database);
    } finally {
      await database.close();
    }
  }
}

async function requireCurrentMigrations(database: Database): Promise<void> {
  const pending = await pendingMigrations(database);
  if (pending.length === 0) return;
  throw new AdminError(
    `the database of DATABASE_URL lacks ${pending.length} of the program's migrations (${pending.join(', ')}); apply them with: npm run migrate`,
  );
}
