import { setTimeout as sleep } from 'node:timers/promises';
import { requireGauges } from '../../test/support/in-flight';
import { builtFile } from '../../test/support/repository.files';
import { ServiceProcess } from '../bench/service.process';
import { freePort } from '../../test/support/free.port';
import { type Sample, samplesOf } from './metrics.page';

/** The heap that Node chooses by itself in a container with 512 MiB, as in `deploy/kubernetes`. */
export const HEAP_MEBIBYTES = 256;

/** Gauges of what requests hold. All of them are 0 when no request is in flight. */
const HELD = /^prism_(admission_\w+|\w+_(in_flight|queue_length|waiting|leases|claims)(_bytes)?)$/;
const POOL = 'prism_database_pool_connections';
const LAG = 'nodejs_eventloop_lag_max_seconds';
const SCRAPE_EVERY_MS = 100;

/** A gateway with production settings and a small heap, and its metrics. */
export class LimitedGateway {
  private constructor(
    readonly service: ServiceProcess,
    private readonly metricsUrl: string,
  ) {}

  /** @throws Error if it is not ready within a minute */
  static async start(
    servers: { databaseUrl: string; redisUrl: string },
    signal: AbortSignal,
    settings: Record<string, string> = {},
  ): Promise<LimitedGateway> {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const env = {
      ...{ NODE_ENV: 'production', LOG_LEVEL: 'error', HOST: '127.0.0.1', PORT: String(port) },
      ...{ METRICS_HOST: '127.0.0.1', METRICS_PORT: String(metricsPort) },
      ...{ DATABASE_URL: servers.databaseUrl, REDIS_URL: servers.redisUrl, ...settings },
    };
    const args = [`--max-old-space-size=${HEAP_MEBIBYTES}`, builtFile('apps/gateway/main.js')];
    const setup = { name: 'gateway', command: process.execPath, args, env, port, readyPath: '/health/ready' };
    return new LimitedGateway(await ServiceProcess.start(setup, signal), `http://127.0.0.1:${metricsPort}/metrics`);
  }

  get url(): string {
    return this.service.url;
  }

  /** The longest event-loop delay since the last call, in milliseconds. @throws Error if the gateway does not respond */
  async longestStallMs(signal: AbortSignal): Promise<number> {
    const samples = await this.scrape(signal);
    return Math.max(0, ...samples.filter(({ name }) => name === LAG).map(({ value }) => value * 1_000));
  }

  /**
   * Waits until nothing is held for any request.
   *
   * @param scrapes the maximum number of readings
   * @returns the values that are not 0, by gauge
   */
  async held(signal: AbortSignal, scrapes = 350): Promise<Record<string, number>> {
    for (let left = scrapes; ; left--) {
      const held = heldOf(await this.scrape(signal));
      if (left <= 1 || Object.keys(held).length === 0) return held;
      await sleep(SCRAPE_EVERY_MS, undefined, { signal });
    }
  }

  private async scrape(signal: AbortSignal): Promise<Sample[]> {
    const response = await fetch(this.metricsUrl, { signal });
    return samplesOf(await response.text());
  }
}

/** The gauges that are not 0. @throws Error if a required gauge is missing */
function heldOf(samples: readonly Sample[]): Record<string, number> {
  requireGauges(samples);
  const held = samples
    .filter(({ name, type, value }) => type === 'gauge' && HELD.test(name) && value !== 0)
    .map(({ name, labels, value }) => [name + labels, value] as const);
  const connections = (state: string): number =>
    samples
      .filter(({ name, labels }) => name === POOL && labels.includes(`state="${state}"`))
      .reduce((sum, { value }) => sum + value, 0);
  const leased = connections('total') - connections('idle');
  return Object.fromEntries(leased === 0 ? held : [...held, ['leased database connections', leased]]);
}
