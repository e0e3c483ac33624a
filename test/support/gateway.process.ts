import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { guard } from './child.guard';
import { watchInFlight } from './in-flight';
import { samplesOf } from './metrics.page';

const PROGRAM = join(__dirname, '../../dist/apps/gateway/main.js');

export interface LogLine {
  level: string;
  msg: string;
  [member: string]: unknown;
}

/** The built gateway as a process with only the given environment. Ends with its test. */
export class GatewayProcess {
  private out = '';
  private error = '';
  private unwatch: (() => void) | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.error += chunk.toString()));
  }

  static start(env: Record<string, string>): GatewayProcess {
    expect(existsSync(PROGRAM), 'the program is built: npm run build').toBe(true);
    const all = { HOST: '127.0.0.1', PORT: '0', METRICS_HOST: '127.0.0.1', METRICS_PORT: '0', ...env };
    const child = spawn(process.execPath, [PROGRAM], {
      env: { DRAIN_DELAY_MS: '0', DRAIN_GRACE_MS: '0', ...all },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    guard(child);
    const gateway = new GatewayProcess(child);
    onTestFinished(() => {
      gateway.signal('SIGKILL');
    });
    return gateway;
  }

  get stderr(): string {
    return this.error;
  }

  get stdout(): string {
    return this.out;
  }

  get lines(): LogLine[] {
    return this.out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine); // each line is JSON, or this fails
  }

  async line(msg: string): Promise<LogLine> {
    const find = (): LogLine | undefined => this.lines.find((line) => line.msg === msg);
    await expect.poll(find, { timeout: 20_000, message: `the line '${msg}'` }).toBeDefined();
    return find() ?? { level: '', msg };
  }

  /** The line of the request with this id, when it is over. */
  async request(id: string): Promise<LogLine> {
    const find = (): LogLine | undefined => this.lines.find((line) => line.msg === 'request' && line.request_id === id);
    await expect.poll(find, { timeout: 20_000, message: `the line of the request '${id}'` }).toBeDefined();
    return find() ?? { level: '', msg: '' };
  }

  /** Its addresses. From now on, after each test, it must hold no resource of a request. */
  async listening(): Promise<{ api: string; admin: string }> {
    const { port, metrics_port: metricsPort } = await this.line('listening');
    const admin = `http://127.0.0.1:${String(metricsPort)}`;
    this.unwatch ??= watchInFlight(async () => {
      const page = await fetch(`${admin}/metrics`).then((response) => response.text());
      return samplesOf(page);
    });
    return { api: `http://127.0.0.1:${String(port)}`, admin };
  }

  /** Every signal that tests send suspends or ends the process, so its resources are no longer checked. */
  signal(name: NodeJS.Signals): void {
    this.unwatch?.();
    this.child.kill(name);
  }

  async exit(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}
