import { statfsSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { BenchContext } from '../bench.context';
import { Cleanup } from '../../../test/support/cleanup';
import type { GrowthOptions } from '../cli.options';
import { headerOf, machineFacts, writeFigures } from '../machine.facts';
import { targetText } from '../report';
import { durableSettings, startServers } from '../servers';
import { gatewaySettings, Services } from '../services';
import { median } from '../statistics';
import { leadSeconds } from '../rounds';
import type { Turn } from '../turn';
import { type GrowthEnvironment, measureCase, type Work } from './growth.case';
import { type GrowthCase, type GrowthRow, growthRow, growthTable, growthTargets } from './growth.report';
import { Population } from './population';

/** Fewer records per team would not fill a batch. */
const minRecordsPerTeam = 100;
const secondsPerHour = 3_600;
const million = 1_000_000;

/** Approximate size on disk of a record with its index entry, and of a ledger item with its share of the request's row. */
const bytesPerRecord = 700;
const bytesPerLedgerItem = 80;
/** Disk space for WAL and for other programs. */
const spareBytes = 26 * 2 ** 30;

/** As recommended by the documentation of Postgres for a dedicated machine: a quarter of the memory. */
const postgresSettings = {
  ...durableSettings,
  shared_buffers: `${Math.floor(totalmem() / 2 ** 22)}MB`,
  max_wal_size: '16GB',
  // It would run during a turn. The tables are vacuumed explicitly before each case.
  autovacuum: 'off',
};

/** Measures the cost per item with more records, more teams, and the ledger of an hour. */
export async function measureGrowth(options: GrowthOptions, context: BenchContext): Promise<void> {
  requireDisk(Math.max(...options.sizes) * bytesPerRecord + (options.ledger ?? 0) * bytesPerLedgerItem);
  const growth = new Growth(options);
  for (const [index, teamCount] of options.teams.entries()) {
    const own = new Cleanup();
    context.cleanup.add(() => own.run());
    await growth.measure(teamCount, index === 0, { ...context, cleanup: own });
    await own.run();
  }

  const { rows, settings } = growth;
  const machine = machineFacts();
  const targets = growthTargets(rows);
  context.print(`\n${headerOf(machine, settings, gatewaySettings)}\n${growthTable(rows)}\n${conditionsOf(options)}`);
  context.print(`\n${targetText(targets)}\n`);
  const { rounds, seconds } = options;
  const schedule = { rounds, seconds, leadSeconds };
  writeFigures(options.json, { machine, settings, schedule, rows, targets }, context);
}

class Growth {
  readonly rows: GrowthRow[] = [];
  settings: Record<string, string> = {};
  private readonly smallest = new Map<Work, Turn[]>();

  constructor(private readonly options: GrowthOptions) {}

  /** Measures all cases with a number of teams, on new servers. */
  async measure(teamCount: number, withLedger: boolean, context: BenchContext): Promise<void> {
    const sizes = this.options.sizes.filter((size) => size >= teamCount * minRecordsPerTeam);
    if (sizes.length === 0) return;
    const environment = await this.open(teamCount, context);
    const { population } = environment;
    for (const size of sizes) {
      context.log(`growing to ${size} records of ${teamCount} teams`);
      await population.growTo(size);
      await population.settle();
      await this.measureCase(environment, context);
    }
    if (!withLedger) return;

    const items = this.ledgerItems();
    context.log(`growing the ledger to ${items} items`);
    await population.growLedgerTo(items);
    await population.settle();
    await this.measureCase(environment, context);
    await population.checkpoint();
    await this.measureCase(environment, context, true);
  }

  private async open(teamCount: number, context: BenchContext): Promise<GrowthEnvironment> {
    const servers = await startServers(context, postgresSettings);
    this.settings = servers.settings;
    context.log(`creating ${teamCount} teams`);
    const population = await Population.of(teamCount, servers, context);
    const teamsFile = join(servers.folder, 'teams');
    writeFileSync(teamsFile, population.teams.map(({ teamId, apiKey }) => `${teamId} ${apiKey}\n`).join(''));
    const services = new Services(context.cleanup, context.signal);
    const gateway = await services.gateway('gateway', servers.postgres.url, servers.redisUrl);
    return { servers, population, gateway, teamsFile };
  }

  private async measureCase(
    environment: GrowthEnvironment,
    context: BenchContext,
    afterCheckpoint = false,
  ): Promise<void> {
    const { records, teams, ledgerItems } = environment.population;
    const growthCase: GrowthCase = { records, teams: teams.length, ledgerItems, afterCheckpoint };
    for (const { work, turns } of await measureCase(environment, this.options, context)) {
      if (!this.smallest.has(work)) this.smallest.set(work, turns);
      const row = growthRow(growthCase, work, turns, this.smallest.get(work) ?? turns);
      this.rows.push(row);
      context.log(`${work} ${Math.round(row.itemsPerSecond)} items/s, ${row.postgresMicros.toFixed(1)} us of Postgres`);
    }
  }

  /** The items of an hour of keyed batches at the rate of the smallest case, limited by the disk. */
  private ledgerItems(): number {
    if (this.options.ledger !== undefined) return this.options.ledger;
    const rates = (this.smallest.get('keyed') ?? []).map(({ itemsPerSecond }) => itemsPerSecond ?? 0);
    const hour = Math.ceil((median(rates) * secondsPerHour) / million) * million;
    const capacity = Math.floor((freeBytes() - spareBytes) / bytesPerLedgerItem / million) * million;
    return Math.max(million, Math.min(hour, capacity));
  }
}

function freeBytes(): number {
  const { bavail, bsize } = statfsSync(tmpdir());
  return bavail * bsize;
}

function requireDisk(bytes: number): void {
  if (freeBytes() >= bytes + spareBytes) return;
  const gibibytes = (value: number): string => `${(value / 2 ** 30).toFixed(0)} GiB`;
  throw new Error(
    `${tmpdir()} has ${gibibytes(freeBytes())} left; this needs ${gibibytes(bytes + spareBytes)}: set TMPDIR to a ` +
      'larger disk, or use smaller sizes with --growth=<n>,... and --ledger',
  );
}

function conditionsOf({ rounds, seconds }: GrowthOptions): string {
  return [
    `8 callers, batches of 100 random records of a random team; medians of ${rounds} turns of ${seconds} s, in turns, after ${leadSeconds} s unmeasured`,
    'x: relative to the smallest case of the same work; us: CPU in microseconds per item; pgbench: the same UPDATE without the gateway',
    'up to 100,000 records of one team were created by the product; the others, and the ledger, by INSERT ... SELECT with the same values',
    'before each case: VACUUM, CHECKPOINT, then one record in ten is changed, so that every page has a dead row version and was written to the WAL',
    `the ledger has the items of an hour of keyed batches at the rate of the smallest case, unless --ledger or the disk limits it`,
    '',
  ].join('\n');
}
