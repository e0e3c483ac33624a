import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const program = join(__dirname, '../../../dist/apps/gateway/main.js');
const breakpoints = join(__dirname, 'gateway.breakpoints.mjs');

/** Where a request can be stopped in the gateway. */
export type GatewayPoint = 'before claim' | 'after claim' | 'before store' | 'after store';

/** The built gateway as a process that stops requests at a point and can be killed there. */
export class GatewayProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Resolves when it listens. @param settings by environment variable */
  static async start(settings: Record<string, string>): Promise<GatewayProcess> {
    if (!existsSync(program)) throw new Error('not built: npm run build');
    const child = spawn(process.execPath, ['--import', breakpoints, program], {
      env: { HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0', DRAIN_DELAY_MS: '0', DRAIN_GRACE_MS: '0', ...settings },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return new GatewayProcess(child, `http://127.0.0.1:${await listeningPort(child)}`);
  }

  /** Makes the next request stop at this point. */
  arm(point: GatewayPoint): Promise<void> {
    return this.command({ arm: point });
  }

  /** Resolves when a request has reached the armed point. */
  async waitUntilReached(): Promise<void> {
    await once(this.child, 'message');
  }

  /** Lets the stopped request continue. */
  resume(): Promise<void> {
    return this.command({ resume: true });
  }

  /** `kill -9` */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  private command(message: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.child.send(message, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

/** Reads the port from the log line `listening`. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const port = /"port":(\d+),.*"msg":"listening"/.exec(output)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('exit', () => {
      reject(new Error(`the gateway did not start:\n${output}`));
    });
  });
}
