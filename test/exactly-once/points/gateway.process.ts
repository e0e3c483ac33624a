import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const program = join(__dirname, '../../../dist/apps/gateway/main.js');
const breakpoints = join(__dirname, 'gateway.breakpoints.mjs');

/** Where a request can be stopped in the gateway. */
export type GatewayPoint = 'before claim' | 'after claim' | 'before keep' | 'after keep';

/** The built gateway as a process of its own, that can be stopped on a request's way and killed there. */
export class GatewayProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Resolves when it serves. @param settings by environment variable */
  static async start(settings: Record<string, string>): Promise<GatewayProcess> {
    if (!existsSync(program)) throw new Error('not built: npm run build');
    const child = spawn(process.execPath, ['--import', breakpoints, program], {
      env: { HOST: '127.0.0.1', PORT: '0', METRICS_PORT: '0', DRAIN_DELAY_MS: '0', ...settings },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return new GatewayProcess(child, `http://127.0.0.1:${await listeningPort(child)}`);
  }

  /** The next request stops at this point. */
  arm(point: GatewayPoint): Promise<void> {
    return this.tell({ arm: point });
  }

  /** Resolves when a request has come to the point that was armed. */
  async reached(): Promise<void> {
    await once(this.child, 'message');
  }

  /** Lets the stopped request go on. */
  go(): Promise<void> {
    return this.tell({ go: true });
  }

  /** `kill -9` */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  private tell(message: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.child.send(message, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

/** From the line that the gateway logs when it serves. */
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
