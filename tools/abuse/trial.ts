import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '#libs/database';
import { peakOf } from '../bench/service.process';
import type { Cleanup } from '../../test/support/cleanup';
import type { Attack } from './attack';
import { ActorProcess } from './actor.process';
import type { AttackerCommand, AttackReport } from './attacker.main';
import { LimitedGateway } from './limited.gateway';
import { createParties } from './parties';
import type { Measurement } from './victim';
import type { VictimCommand } from './victim.main';

const PEAK_EVERY_MS = 100;
const STALL_EVERY_MS = 1_000;
const WARM_UP_SECONDS = 2;
const QUIET_SECONDS = 10;
/** How long a gateway may take to respond to a scrape before it counts as frozen, in milliseconds. */
const FROZEN_MS = 60_000;
/** How long an attacker may take to end. */
const END_MS = 10_000;

/** The servers of all trials, and the signal that ends them. */
export interface TrialContext {
  databaseUrl: string;
  redisUrl: string;
  database: Database;
  cleanup: Cleanup;
  signal: AbortSignal;
}

/** The effect of one attack on a gateway and on its victim. */
export interface TrialResult {
  attack: string;
  summary: string;
  seconds: number;
  quiet: Measurement;
  attacked: Measurement;
  attacker: AttackReport;
  /** How the gateway ended, with the end of its log; null if it is running. */
  unexpectedExit: string | null;
  peakBytes: number;
  longestStallMs: number;
  /** Gauges that did not go back to 0; null if the gateway did not respond. */
  held: Record<string, number> | null;
  /** By how much the database grew during the attack, in bytes. */
  databaseGrowthBytes: number;
}

/** Runs one attack against a gateway of its own. */
export async function runTrial(attack: Attack, seconds: number, context: TrialContext): Promise<TrialResult> {
  const { database, signal } = context;
  const gateway = await LimitedGateway.start(context, signal);
  const actors = {
    victim: ActorProcess.start('victim.main.js'),
    // Attackers have machines of their own: this one takes no time from the gateway and its databases.
    attacker: ActorProcess.start('attacker.main.js', constants.priority.PRIORITY_LOW),
  };
  const stopAll = async (): Promise<void> => {
    await Promise.all([gateway.service.stop(), actors.victim.stop(), actors.attacker.stop()]);
  };
  context.cleanup.add(stopAll);
  try {
    const parties = await createParties(database, gateway.url);
    const measure = (duration: number): Promise<Measurement> => {
      const command: VictimCommand = { url: gateway.url, party: parties.victim, seconds: duration };
      return actors.victim.execute(command, signal);
    };
    const execute = <T>(command: AttackerCommand, limit: AbortSignal = signal): Promise<T> =>
      actors.attacker.execute(command, limit);

    await execute({ do: 'prepare', attack: attack.name, url: gateway.url, attacker: parties.attacker });
    await measure(WARM_UP_SECONDS);
    const quiet = await measure(QUIET_SECONDS);
    const sizeBefore = await sizeOf(database);
    await gateway.longestStallMs(signal);
    const watch = new Watch(gateway);
    await execute({ do: 'begin' });
    const attacked = await measure(seconds);
    const attacker = await execute<AttackReport>({ do: 'end' }, AbortSignal.any([signal, AbortSignal.timeout(END_MS)]));
    const held = await heldAfter(gateway, signal);
    const { peakBytes, longestStallMs } = await watch.end();
    return {
      ...{ attack: attack.name, summary: attack.summary, seconds, quiet, attacked, attacker },
      ...{ unexpectedExit: gateway.service.unexpectedExit ?? null, peakBytes, longestStallMs, held },
      databaseGrowthBytes: (await sizeOf(database)) - sizeBefore,
    };
  } finally {
    await stopAll();
  }
}

/** Null if it has ended or does not respond. */
async function heldAfter(gateway: LimitedGateway, signal: AbortSignal): Promise<Record<string, number> | null> {
  const limit = AbortSignal.timeout(FROZEN_MS);
  try {
    return await gateway.held(AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted || gateway.service.unexpectedExit !== undefined) return null;
    throw error;
  }
}

/** Polls memory and event-loop delay of a gateway, because an ended process cannot be read. */
class Watch {
  private peakBytes = 0;
  private longestStallMs = 0;
  private isOver = false;
  private readonly watching: Promise<unknown>;

  constructor(private readonly gateway: LimitedGateway) {
    const { service } = gateway;
    service.resetPeak();
    this.watching = Promise.all([
      this.repeat(PEAK_EVERY_MS, () => {
        this.peakBytes = Math.max(this.peakBytes, peakOf(service) ?? 0);
      }),
      this.repeat(STALL_EVERY_MS, async () => {
        this.longestStallMs = Math.max(this.longestStallMs, await stallOf(gateway));
      }),
    ]);
  }

  /** Ends after one more reading. */
  async end(): Promise<{ peakBytes: number; longestStallMs: number }> {
    this.isOver = true;
    await this.watching;
    return { peakBytes: this.peakBytes, longestStallMs: this.longestStallMs };
  }

  private async repeat(everyMs: number, read: () => unknown): Promise<void> {
    for (let last = false; !last && this.gateway.service.unexpectedExit === undefined;) {
      last = this.isOver;
      await read();
      await sleep(everyMs);
    }
  }
}

/** A gateway that does not respond has been stalled for at least as long as the scrape waited. */
async function stallOf(gateway: LimitedGateway): Promise<number> {
  const asked = performance.now();
  try {
    return await gateway.longestStallMs(AbortSignal.timeout(FROZEN_MS));
  } catch {
    return performance.now() - asked;
  }
}

async function sizeOf(database: Database): Promise<number> {
  const { rows } = await database.query<{ bytes: string }>('SELECT pg_database_size(current_database()) AS bytes');
  return Number(rows[0]?.bytes);
}
