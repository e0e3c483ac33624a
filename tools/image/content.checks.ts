import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { BuiltImage } from './built.image';

interface Lock {
  packages: Record<string, { dev?: boolean; optional?: boolean }>;
}

/** Checks the configuration of the image. */
export function checkConfig({ config, user }: BuiltImage): void {
  ok(user.uid > 0, 'the image runs as root');
  deepEqual(Object.keys(config.ExposedPorts).sort(), ['3000/tcp', '9464/tcp']);
  equal(config.StopSignal, 'SIGTERM');
  equal(config.Healthcheck?.Test[0], 'CMD');
  const secret = config.Env.filter((entry) => /key|token|secret|passw|_url=/i.test(entry));
  deepEqual(secret, [], 'the environment contains what looks like a secret');
}

/** Checks the files of the image: all and only runtime files, none of which the product can change. */
export function checkFiles({ root, user }: BuiltImage): void {
  const app = join(root, 'app');
  deepEqual(readdirSync(app).sort(), ['dist', 'node_modules', 'package.json']);
  ok(!existsSync(join(app, 'dist/apps/quickstart')), 'the image contains the quickstart');

  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock; // the format of npm
  const unneeded = Object.entries(packages).filter(([path, { dev }]) => dev === true && existsSync(join(app, path)));
  deepEqual(
    unneeded.map(([path]) => path),
    [],
    'the image has development packages',
  );
  const missing = Object.entries(packages).filter(
    ([path, entry]) => !entry.dev && !entry.optional && !existsSync(join(app, path)),
  );
  deepEqual(
    missing.map(([path]) => path),
    [],
    'the image lacks packages',
  );

  for (const folder of ['app', 'root', 'home'].map((name) => join(root, name))) {
    for (const path of filesIn(folder)) {
      ok(
        !/(^|\/)(\.npmrc|\.env|\.git|id_\w+|[^/]*\.pem)$/.test(path),
        `${relative(root, path)} does not belong into the image`,
      );
      if (folder !== app) continue;
      const { uid, gid, mode } = lstatSync(path);
      const writable = (uid === user.uid && mode & 0o200) || (gid === user.gid && mode & 0o020) || mode & 0o002;
      ok(!writable || lstatSync(path).isSymbolicLink(), `the product could change ${relative(root, path)}`);
    }
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path));
}
