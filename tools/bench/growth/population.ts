import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { Pool } from 'pg';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { migrate, openDatabase } from '#libs/database';
import type { BenchContext } from '../bench.context';
import { sourceFile } from '../../../test/support/repository.files';
import { idOf, idPrefix, loadOrganizations, notes, organizationOf } from '../organizations';
import type { Meter } from '../postgres.meter';

/** Records beyond this number are inserted by bulk statements: individually they would take hours. */
const maxByProduct = 100_000;
const recordsAtOnce = 50_000;
const requestsAtOnce = 1_000;
const itemsPerRequest = 100;
const teamsAtOnce = 8;

/** A team and the API key of its client. */
export interface TeamAccess {
  teamId: string;
  apiKey: string;
}

const addRecords = text('add_records');
const ageRecords = text('age_records');
const addLedger = text('add_ledger');

/** The database of a population. */
export interface PopulatedServers {
  postgres: { readonly url: string };
  meter: Pick<Meter, 'changes'>;
}

/** The growing data of a database. */
export class Population {
  private readonly pool: Pool;
  records = 0;
  ledgerItems = 0;
  /** The sum of all versions without the changes of callers. */
  private versions = 0;

  private constructor(
    private readonly servers: PopulatedServers,
    private readonly context: BenchContext,
    readonly teams: readonly TeamAccess[],
  ) {
    this.pool = new Pool({ connectionString: servers.postgres.url, max: cpus().length });
    // The next query reports a broken connection.
    this.pool.on('error', () => undefined);
    context.cleanup.add(() => this.pool.end());
  }

  /** Creates teams with a client each, through the product. */
  static async of(teamCount: number, servers: PopulatedServers, context: BenchContext): Promise<Population> {
    await migrate(servers.postgres.url);
    const database = openDatabase(readSettings({ DATABASE_URL: servers.postgres.url }));
    const teams: TeamAccess[] = [];
    try {
      const access = AccessService.create(database);
      const make = async (): Promise<TeamAccess> => {
        const { id: teamId } = await access.createTeam('A team');
        const { apiKey } = await access.createKey(teamId, 'bench', ['records:write']);
        return { teamId, apiKey };
      };
      while (teams.length < teamCount) {
        context.signal.throwIfAborted();
        const count = Math.min(teamsAtOnce, teamCount - teams.length);
        teams.push(...(await Promise.all(Array.from({ length: count }, make))));
      }
    } finally {
      await database.close();
    }
    return new Population(servers, context, teams);
  }

  /** Adds records up to a total number. */
  async growTo(records: number): Promise<void> {
    const teamIds = this.teams.map(({ teamId }) => teamId);
    const [teamId = ''] = teamIds;
    const byProduct = teamIds.length === 1 ? Math.min(records, maxByProduct) : 0;
    if (this.records < byProduct) {
      const settings = readSettings({ DATABASE_URL: this.servers.postgres.url, REQUEST_TIMEOUT_MS: '60000' });
      const database = openDatabase(settings);
      try {
        const range = { teamId, from: this.records, to: byProduct };
        await loadOrganizations(database, settings, range, this.context.signal);
      } finally {
        await database.close();
      }
    }
    const from = Math.max(this.records, byProduct);
    await this.inParts(from, records, recordsAtOnce, (first, last) => [
      addRecords,
      [first, last, teamIds, idPrefix, notes],
    ]);
    this.versions += records - this.records;
    this.records = records;
    await this.checkRecord(records - 1);
  }

  /** Adds items to the ledger up to a total number. A keyed batch of 100 must have run before: its outcomes are copied. */
  async growLedgerTo(items: number): Promise<void> {
    const clients = await this.pool.query<{ team_id: string; id: string }>('SELECT team_id, id FROM clients');
    const requests = Math.ceil((items - this.ledgerItems) / itemsPerRequest);
    const teamIds = clients.rows.map(({ team_id }) => team_id);
    const clientIds = clients.rows.map(({ id }) => id);
    await this.inParts(0, requests, requestsAtOnce, (first, last) => [
      addLedger,
      [first, last, requests, teamIds, clientIds],
    ]);
    await this.pool.query('ANALYZE idempotency_requests, idempotency_outcomes');
    this.ledgerItems = items;
  }

  /**
   * Brings the records into the state of a database in use: vacuumed, then changed in every page after a checkpoint.
   * Otherwise the turns would measure the full-page write of the first change of each page.
   */
  async settle(): Promise<void> {
    await this.pool.query('VACUUM (ANALYZE) records');
    await this.checkpoint();
    const { rowCount } = await this.pool.query(ageRecords);
    this.versions += rowCount ?? 0;
  }

  async checkpoint(): Promise<void> {
    await this.pool.query('CHECKPOINT');
  }

  /** The number of changes by callers since the last call. Reads all records. */
  async countChanges(): Promise<number> {
    const versions = await this.servers.meter.changes();
    const changes = versions - this.versions;
    this.versions = versions;
    return changes;
  }

  /** Runs statements over parts of a range, one per core concurrently. */
  private async inParts(
    from: number,
    to: number,
    size: number,
    statementOf: (first: number, last: number) => [string, unknown[]],
  ): Promise<void> {
    let next = from;
    const work = async (): Promise<void> => {
      for (let first = next; first < to; first = next) {
        this.context.signal.throwIfAborted();
        next = Math.min(first + size, to);
        await this.pool.query(...statementOf(first, next));
      }
    };
    await Promise.all(cpus().map(work));
  }

  /** Checks that a bulk statement inserts the same record as the product. */
  private async checkRecord(number: number): Promise<void> {
    const { rows } = await this.pool.query<{ properties: unknown }>(
      'SELECT properties FROM records WHERE team_id = $1 AND id = $2',
      [this.teams[number % this.teams.length]?.teamId, idOf(number)],
    );
    if (!isDeepStrictEqual(rows[0]?.properties, organizationOf(number))) {
      throw new Error(`record ${number} differs from organizations.ts: ${JSON.stringify(rows[0])}`);
    }
  }
}

function text(name: string): string {
  return readFileSync(sourceFile(`tools/bench/growth/sql/${name}.sql`), 'utf8');
}
