import type { Meter, PostgresMeter, PostgresReading } from '../postgres.meter';

/** Reads the counters of the nodes of a cluster, or of a single server, as if they were one server. */
export class ClusterMeter implements Meter {
  /** The share of the worker in the CPU of the last measurement. */
  workerShare = NaN;
  private workerSeconds = 0;
  private allSeconds = 0;

  /**
   * @param worker the node that stores the records
   * @param coordinator undefined: a single server
   */
  constructor(
    private readonly worker: PostgresMeter,
    private readonly coordinator?: PostgresMeter,
  ) {}

  async settle(): Promise<void> {
    await this.onEach((node) => node.settle());
  }

  async quiet(signal: AbortSignal, readings?: number): Promise<void> {
    await this.onEach((node) => node.quiet(signal, readings));
  }

  async begin(): Promise<PostgresReading> {
    const readings = await this.onEach((node) => node.begin());
    const all = sumOf(readings);
    this.workerSeconds = readings[0]?.cpuSeconds ?? NaN;
    this.allSeconds = all.cpuSeconds;
    return all;
  }

  async end(): Promise<PostgresReading> {
    const readings = await this.onEach((node) => node.end());
    const all = sumOf(readings);
    this.workerShare = ((readings[0]?.cpuSeconds ?? NaN) - this.workerSeconds) / (all.cpuSeconds - this.allSeconds);
    return all;
  }

  changes(): Promise<number> {
    return (this.coordinator ?? this.worker).changes();
  }

  /** The worker first. */
  private async onEach<T>(read: (node: PostgresMeter) => Promise<T>): Promise<T[]> {
    const results = [await read(this.worker)];
    if (this.coordinator !== undefined) results.push(await read(this.coordinator));
    return results;
  }
}

function sumOf(readings: readonly PostgresReading[]): PostgresReading {
  const sum = (of: (reading: PostgresReading) => number): number => readings.reduce((total, one) => total + of(one), 0);
  return {
    cpuSeconds: sum(({ cpuSeconds }) => cpuSeconds),
    walBytes: sum(({ walBytes }) => walBytes),
    ledgerBytes: sum(({ ledgerBytes }) => ledgerBytes),
  };
}
