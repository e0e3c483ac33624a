import { setTimeout as sleep } from 'node:timers/promises';
import { heldOf } from '../../test/support/in-flight';
import { type Sample, samplesOf } from '../../test/support/metrics.page';
import { builtFile } from '../../test/support/repository.files';
import { ServiceProcess } from '../bench/service.process';
import { freePort } from '../../test/support/free.port';

/** The heap that Node chooses by itself in a container with 512 MiB, as in `deploy/kubernetes`. */
export const HEAP_MEBIBYTES = 256;

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
