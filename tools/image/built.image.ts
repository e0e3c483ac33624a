import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './command';

const name = 'localhost/prism-gateway:check';
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** The run configuration of the image. */
export interface ImageConfig {
  User: string;
  Env: string[];
  Cmd: string[];
  WorkingDir: string;
  StopSignal: string;
  ExposedPorts: Record<string, object>;
  Healthcheck?: { Test: string[] };
}

/** The image built from the Dockerfile, with its files mounted. */
export class BuiltImage {
  private constructor(
    readonly config: ImageConfig,
    private readonly container: string,
    /** The mounted root folder. Read only. */
    readonly root: string,
  ) {}

  /** Builds the image. @param base the base image */
  static build(base: string): BuiltImage {
    const folder = mkdtempSync(join(tmpdir(), 'prism-image-'));
    try {
      const args = ['--isolation', 'chroot', '--format', 'docker', '--layers', '--build-arg', `NODE_IMAGE=${base}`];
      run('buildah', ['build', ...args, ...registryMounts(folder), '--tag', name, '.']);
    } finally {
      rmSync(folder, { recursive: true });
    }
    const { Docker } = JSON.parse(run('buildah', ['inspect', '--type', 'image', name])) as {
      Docker: { config: ImageConfig };
    };
    const container = run('buildah', ['from', name]);
    return new BuiltImage(Docker.config, container, run('buildah', ['mount', container]));
  }

  /** The user and group that its programs run as, by number. */
  get user(): { uid: number; gid: number } {
    const lines = readFileSync(join(this.root, 'etc/passwd'), 'utf8').split('\n');
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${this.config.User}:`))?.split(':') ?? [];
    if (uid === undefined) throw new Error(`the image has no user '${this.config.User}'`);
    return { uid: Number(uid), gid: Number(gid) };
  }

  remove(): void {
    run('buildah', ['umount', this.container]);
    run('buildah', ['rm', this.container]);
  }
}

/** Mounts this machine's npm registry and certificates into the build steps, but into no layer. */
function registryMounts(folder: string): string[] {
  const npmrc = join(folder, 'npmrc');
  const trusted = existsSync(certificates);
  const registry = `registry=${run('npm', ['config', 'get', 'registry'])}\n`;
  writeFileSync(npmrc, trusted ? `${registry}cafile=${certificates}\n` : registry);
  const volumes = [`${npmrc}:/usr/local/etc/npmrc:ro`, ...(trusted ? [`${certificates}:${certificates}:ro`] : [])];
  return volumes.flatMap((volume) => ['--volume', volume]);
}
