import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { guard } from './child.guard';
import { freePort } from './free.port';

const shipped = 'deploy/prometheus';
const startDeadlineMs = 20_000;

/** One series of a query result; `value` is a number as text, possibly NaN. */
export interface QuerySample {
  metric: Record<string, string>;
  value: [time: number, value: string];
}

/** One series of an exemplar query. */
interface ExemplarSeries {
  seriesLabels: Record<string, string>;
  exemplars: { labels: Record<string, string>; value: string; timestamp: number }[];
}

interface Config {
  global: Record<string, string>;
  scrape_configs: { job_name: string; static_configs: { targets: string[]; labels?: Record<string, string> }[] }[];
}

/**
 * A Prometheus with the shipped configuration and rules that scrapes every second. Its targets have other addresses under the
 * shipped names.
 */
export class PrometheusServer {
  private log = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly url: string,
    private readonly folder: string,
  ) {
    child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  /**
   * Resolves when it responds to queries.
   * @param targets `host:port` by job: every job of the shipped configuration
   */
  static async start(targets: Readonly<Record<string, string[]>>): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'prism-prometheus-'));
    writeConfig(folder, targets);
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    guard(child);
    const server = new PrometheusServer(child, `http://127.0.0.1:${port}`, folder);
    const deadline = performance.now() + startDeadlineMs;
    while (!(await server.isReady())) {
      if (child.exitCode !== null || performance.now() > deadline) {
        await server.stop();
        throw new Error(`prometheus did not start:\n${server.log}`);
      }
      await sleep(20);
    }
    return server;
  }

  /** Runs an instant query. @throws Error with the message of Prometheus */
  async query(expression: string): Promise<QuerySample[]> {
    const { data } = await this.get<{ data: { result: QuerySample[] } }>('query', { query: expression });
    return data.result;
  }

  /** The names of all scraped and recorded series. */
  async metricNames(): Promise<string[]> {
    return (await this.get<{ data: string[] }>('label/__name__/values')).data;
  }

  /** The exemplars of the series of an expression, of the last minute. */
  async exemplars(expression: string): Promise<ExemplarSeries[]> {
    const end = Date.now() / 1_000;
    const range = { query: expression, start: String(end - 60), end: String(end + 1) };
    return (await this.get<{ data: ExemplarSeries[] }>('query_exemplars', range)).data;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async get<A>(path: string, parameters: Record<string, string> = {}): Promise<A> {
    const response = await fetch(`${this.url}/api/v1/${path}?${String(new URLSearchParams(parameters))}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`prometheus: ${text} ${parameters.query ?? ''}`);
    return JSON.parse(text) as A; // the stable API of Prometheus
  }

  private async isReady(): Promise<boolean> {
    return fetch(`${this.url}/-/ready`)
      .then(({ ok }) => ok)
      .catch(() => false);
  }
}

function writeConfig(folder: string, targets: Readonly<Record<string, string[]>>): void {
  const config = parse(readFileSync(join(shipped, 'prometheus.yml'), 'utf8')) as Config; // promtool has checked it
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
  for (const job of config.scrape_configs) {
    const own = targets[job.job_name];
    if (own === undefined)
      throw new Error(`deploy/prometheus/prometheus.yml has a job ${job.job_name} without a target`);
    const names = job.static_configs.flatMap(({ targets: shippedTargets }) => shippedTargets);
    job.static_configs = own.map((target, index) => ({
      targets: [target],
      labels: { instance: names[index] ?? target },
    }));
  }
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config));
  cpSync(join(shipped, 'rules'), join(folder, 'rules'), { recursive: true });
  for (const file of readdirSync(join(folder, 'rules'))) {
    const path = join(folder, 'rules', file);
    // Otherwise a rule with an interval of 5 minutes would have its first value only then.
    const text = readFileSync(path, 'utf8').replaceAll(/^( +)interval: \w+$/gm, '$1interval: 1s');
    writeFileSync(path, text.replaceAll(':5m])', ':1s])'));
  }
}
