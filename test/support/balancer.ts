import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from './child.guard';
import { freePort } from './free.port';
import { replaced, shippedConfig } from './shipped.config';

/** The shipped configuration. */
export const balancerConfig = shippedConfig('haproxy/haproxy.cfg');

/** One line of the access log. */
export interface BalancerLine {
  server: string;
  status: number;
  method: string;
  path: string;
  requestId: string;
  /** The number of retries; prefixed with `+` after a redispatch. */
  retries: string;
  text: string;
}

/** HAProxy with the shipped configuration, for gateways at other addresses. */
export class Balancer {
  private log = '';

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly metricsUrl: string,
    private readonly folder: string,
  ) {
    child.stdout?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  /**
   * Resolves when it listens, before its first health check.
   * @param edit changes the configuration, such as the interval of checks
   * @param more text of a further configuration file
   */
  static async start(
    gatewayPorts: readonly number[],
    edit = (config: string) => config,
    more?: string,
  ): Promise<Balancer> {
    const folder = mkdtempSync(join(tmpdir(), 'prism-haproxy-'));
    const [port, metricsPort] = [await freePort(), await freePort()];
    const moved = gatewayPorts.reduce(
      (text, gatewayPort, index) => replaced(text, `gateway-${index + 1}:3000`, `127.0.0.1:${gatewayPort}`),
      replaced(
        replaced(balancerConfig, 'bind :8080', `bind 127.0.0.1:${port}`),
        'bind "${METRICS_HOST}:8405"',
        `bind 127.0.0.1:${metricsPort}`,
      ),
    );
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, edit(moved));
    const files = ['-f', file];
    if (more !== undefined) {
      files.push('-f', join(folder, 'more.cfg'));
      writeFileSync(join(folder, 'more.cfg'), more);
    }
    const child = spawn('haproxy', ['-db', ...files], { stdio: ['ignore', 'pipe', 'pipe'] });
    guard(child);
    const balancer = new Balancer(child, `http://127.0.0.1:${port}`, `http://127.0.0.1:${metricsPort}`, folder);
    const listens = () =>
      fetch(`${balancer.metricsUrl}/health/live`)
        .then(({ ok }) => ok)
        .catch(() => false);
    while (!(await listens())) {
      if (child.exitCode !== null) throw new Error(`haproxy did not start:\n${balancer.log}`);
      await sleep(10);
    }
    return balancer;
  }

  /** Resolves when exactly these gateways (from 1) are up. */
  async waitUntilUsed(...gateways: number[]): Promise<void> {
    const up = /^haproxy_server_status\{proxy="gateways",server="gateway-(\d)",state="UP"\} 1/gm;
    for (;;) {
      const metrics = await (await fetch(`${this.metricsUrl}/metrics`)).text();
      const used = [...metrics.matchAll(up)].map(([, number]) => Number(number));
      if (String(used.sort()) === String(gateways.sort())) return;
      await sleep(20);
    }
  }

  /** The logged requests. Each is logged at its end. */
  get lines(): BalancerLine[] {
    return this.log.split('\n').flatMap((text) => {
      const [, server = '', status = '', retries = '', method = '', path = '', requestId = ''] =
        /^\S+ \[[^\]]+\] api \S+\/(\S+) \S+ (\d+) \d+ \S+ \d+\/\d+\/\d+\/\d+\/(\+?\d+) \S+ (\S+) (\S+) (\S+)$/.exec(
          text,
        ) ?? [];
      return status === '' ? [] : [{ server, status: Number(status), method, path, requestId, retries, text }];
    });
  }

  /** Resolves with the log line of a request. */
  async lineOf(requestId: string): Promise<BalancerLine> {
    for (;;) {
      const line = this.lines.find((found) => found.requestId === requestId);
      if (line !== undefined) return line;
      await sleep(10);
    }
  }

  get text(): string {
    return this.log;
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
    rmSync(this.folder, { recursive: true });
  }
}
