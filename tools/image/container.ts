import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuiltImage } from './built.image';
import { run } from './command';

/**
 * A program of the image as Kubernetes runs it: as the image's user, without capabilities, on a read-only file system. It
 * shares the network of this machine.
 */
export class Container {
  private output = '';
  private readonly ended: Promise<number>;

  private constructor(
    private readonly id: string,
    private readonly folder: string,
    child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.ended = once(child, 'close').then(([code]) => Number(code));
  }

  /** @param args the command; that of the image by default */
  static start(
    image: BuiltImage,
    env: Record<string, string> = {},
    args: readonly string[] = image.config.Cmd,
  ): Container {
    const folder = mkdtempSync(join(tmpdir(), 'prism-container-'));
    const id = `prism-check-${randomUUID()}`;
    writeFileSync(join(folder, 'config.json'), JSON.stringify(specOf(image, env, args)));
    const child = spawn('runc', ['run', '--bundle', folder, id], { stdio: ['ignore', 'pipe', 'pipe'] });
    return new Container(id, folder, child);
  }

  /** Runs a program. @returns its exit code and output */
  static async run(
    image: BuiltImage,
    env: Record<string, string>,
    args: readonly string[],
  ): Promise<{ code: number; output: string }> {
    const container = Container.start(image, env, args);
    return { code: await container.end(), output: container.output };
  }

  get log(): string {
    return this.output;
  }

  /** Sends SIGTERM, like Kubernetes and Docker. @returns its exit code */
  stop(): Promise<number> {
    run('runc', ['kill', this.id, 'TERM']);
    return this.end();
  }

  /** @returns its exit code, when it has ended */
  private async end(): Promise<number> {
    const code = await this.ended;
    rmSync(this.folder, { recursive: true });
    return code;
  }
}

function specOf(image: BuiltImage, env: Record<string, string>, args: readonly string[]): object {
  const none: string[] = [];
  return {
    ociVersion: '1.0.2',
    process: {
      user: image.user,
      args,
      env: [...image.config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: image.config.WorkingDir,
      capabilities: { bounding: none, effective: none, inheritable: none, permitted: none, ambient: none },
      noNewPrivileges: true,
    },
    root: { path: image.root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
    ],
    linux: { namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })) },
  };
}
