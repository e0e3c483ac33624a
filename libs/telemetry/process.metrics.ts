import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics } from 'prom-client';
import { readVersion } from './build.info';
import { Instruments } from './instruments';

/** Metrics of the process: its readiness, its version, and those of Node.js. */
@Injectable()
export class ProcessMetrics {
  private checkReadiness: (() => Promise<boolean>) | undefined;

  constructor(instruments: Instruments) {
    instruments.gauge(
      'prism_ready',
      '1 if the process is ready, 0 if not: the result of `/health/ready`, checked at each scrape.',
      {},
      async (gauge) => {
        // The check may use a database connection. It starts after the gauges of the pools were read, so they do not count it.
        await Promise.resolve();
        gauge.set((await this.checkReadiness?.()) === true ? 1 : 0);
      },
    );
    const labels = { version: "the program's version", node: "Node's version" };
    instruments
      .gauge('prism_build_info', 'Always 1; the labels describe the running build.', labels)
      .set({ version: readVersion(), node: process.version }, 1);
    collectDefaultMetrics({ register: instruments.registry });
  }

  /** Sets the check that each scrape runs, so that readiness is recorded even if nothing probes the process. */
  observeReadiness(check: () => Promise<boolean>): void {
    this.checkReadiness = check;
  }
}
