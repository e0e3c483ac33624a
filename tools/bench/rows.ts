import type { Workload } from './workloads';
import { median, ratioOf, type Spread } from './statistics';
import { better } from './targets';
import type { WorkloadTurns } from './rounds';
import type { CoreUse, Turn } from './turn';

/** A row of the table: medians over turns. */
export interface Row extends Pick<Workload, 'name' | 'what' | 'callers' | 'itemsPerBatch'> {
  note: string | null;
  itemsPerSecond: number | null;
  batchesPerSecond: number;
  latencyMs: { p50: number; p95: number; p99: number };
  serviceMicros: number | null;
  postgresMicros: number | null;
  walBytesPerItem: number | null;
  ledgerBytesPerItem: number | null;
  peakBytes: number | null;
  cores: CoreUse;
  /** Items per second relative to other workloads, turn by turn. */
  toPgbench: Spread | null;
  toTextbook: Spread | null;
  /** For two gateways: batches per second relative to one. */
  toOneGateway: Spread | null;
  limit: string;
  turns: Turn[];
}

/** A single-threaded program with this share of a core is the limit. */
const wholeCore = 0.9;
/** With this share of all cores in use, the machine is the limit. Kernel work belongs to no program. */
const wholeMachine = 0.93;

export function rowsOf(measured: readonly WorkloadTurns[], coreCount: number): Row[] {
  const turnsOf = (name: string | undefined): Turn[] =>
    measured.find(({ workload }) => workload.name === name)?.turns ?? [];
  const pgbench = itemRates(turnsOf('pgbench'));
  const textbook = better(itemRates(turnsOf('textbook-loop')), itemRates(turnsOf('textbook-all')));
  return measured.map(({ workload, turns }) => {
    const over = (figure: (turn: Turn) => number): number => median(turns.map(figure));
    const present = (figure: (turn: Turn) => number | null): number | null => {
      const values = turns.map(figure).filter((value) => value !== null);
      return values.length === 0 ? null : median(values);
    };
    const own = itemRates(turns);
    const oneGateway = batchRates(turnsOf(workload.oneGatewayName));
    const cores: CoreUse = {
      services: Object.fromEntries(
        Object.keys(turns[0]?.cores.services ?? {}).map((name) => [
          name,
          over((turn) => turn.cores.services[name] ?? 0),
        ]),
      ),
      postgres: over((turn) => turn.cores.postgres),
      load: over((turn) => turn.cores.load),
      machine: over((turn) => turn.cores.machine),
    };
    const { name, what, callers, itemsPerBatch, note = null } = workload;
    return {
      ...{ name, what, note, callers, itemsPerBatch },
      itemsPerSecond: present(({ itemsPerSecond }) => itemsPerSecond),
      batchesPerSecond: over(({ batchesPerSecond }) => batchesPerSecond),
      latencyMs: {
        p50: over(({ latencyMs }) => latencyMs.p50),
        p95: over(({ latencyMs }) => latencyMs.p95),
        p99: over(({ latencyMs }) => latencyMs.p99),
      },
      serviceMicros: present(({ serviceMicros }) => serviceMicros),
      postgresMicros: present(({ postgresMicros }) => postgresMicros),
      walBytesPerItem: present(({ walBytesPerItem }) => walBytesPerItem),
      ledgerBytesPerItem: present(({ ledgerBytesPerItem }) => ledgerBytesPerItem),
      peakBytes: present(({ peakBytes }) => peakBytes),
      cores,
      toPgbench: own.length > 0 && pgbench.length > 0 ? ratioOf(own, pgbench) : null,
      toTextbook: own.length > 0 && textbook.length > 0 ? ratioOf(own, textbook) : null,
      toOneGateway: oneGateway.length > 0 ? ratioOf(batchRates(turns), oneGateway) : null,
      limit: limitOf(cores, coreCount),
      turns,
    };
  });
}

/** The limiting resource: one core of a single-threaded program, all cores (with their largest user), or neither. */
export function limitOf({ services, postgres, load, machine }: CoreUse, coreCount: number): string {
  const { haproxy = 0, ...single } = services;
  const [busiest, most] = greatest({ ...single, 'load generator': load });
  if (most >= wholeCore) return `the core of ${busiest}`;
  if (machine < wholeMachine * coreCount) return 'waiting';
  const responding = Object.values(single).reduce((sum, each) => sum + each, 0);
  const others = machine - postgres - responding - haproxy - load;
  const [who, cores] = greatest({ postgres, services: responding, haproxy, 'load generator': load, others });
  return `all cores; ${who} has ${Math.round((100 * cores) / machine)}%`;
}

function greatest(shares: Record<string, number>): [string, number] {
  return Object.entries(shares).sort(([, a], [, b]) => b - a)[0] ?? ['none', 0];
}

function itemRates(turns: readonly Turn[]): number[] {
  return turns.map(({ itemsPerSecond }) => itemsPerSecond).filter((rate) => rate !== null);
}

function batchRates(turns: readonly Turn[]): number[] {
  return turns.map(({ batchesPerSecond }) => batchesPerSecond);
}
