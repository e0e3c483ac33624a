import { AccessService } from '#libs/auth';
import { readSettings, type Settings } from '#libs/config';
import { type Database, openDatabase, pendingMigrations } from '#libs/database';

/** The parts of the process that the command line uses. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** A command cannot be executed. The message says what is wrong and how to correct it. */
class AdminError extends Error {
  override readonly name = 'AdminError';
}

/** Output, settings and database access of the commands. */
export class AdminSession {
  constructor(private readonly terminal: Terminal) {}

  print(line: string): void {
    this.terminal.stdout.write(`${line}\n`);
  }

  /** Prints one JSON document on one line, which a reader can tell from what npm prints before it. */
  printJson(document: Readonly<Record<string, unknown>>): void {
    this.print(JSON.stringify(document));
  }

  /** Prints columns below their titles, each as wide as its longest cell. */
  printTable(titles: readonly string[], rows: readonly (readonly string[])[]): void {
    const lines = [titles, ...rows];
    const widths = titles.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
    for (const cells of lines) {
      const padded = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0));
      this.print(padded.join('  ').trimEnd());
    }
  }

  /** @throws SettingsError naming every variable that is missing or invalid */
  settings(): Settings {
    return readSettings(this.terminal.env);
  }

  /** Runs a change of teams, clients or keys. Throws as {@link withDatabase} does. */
  withAccess<T>(work: (access: AccessService) => Promise<T>): Promise<T> {
    return this.withDatabase((database) => work(AccessService.create(database)));
  }

  /**
   * Runs the work with a connection, and closes it.
   * @throws AdminError if migrations are pending
   * @throws DatabaseUnavailable if Postgres cannot be reached
   */
  async withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const { databaseUrl, requestTimeoutMs, databasePooler, databasePreparedStatements } = this.settings();
    const pooler = { databasePooler, databasePreparedStatements };
    const database = openDatabase({ databaseUrl, requestTimeoutMs, databasePoolSize: 1, ...pooler });
    try {
      await rejectPendingMigrations(database);
      return await work(database);
    } finally {
      await database.close();
    }
  }
}

async function rejectPendingMigrations(database: Database): Promise<void> {
  const pending = await pendingMigrations(database);
  if (pending.length === 0) return;
  throw new AdminError(
    `${pending.length} migrations are not yet applied to the database of DATABASE_URL (${pending.join(', ')}); apply them with: npm run migrate`,
  );
}
