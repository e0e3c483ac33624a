// Builds unless what is in dist/ was built from the very files that are here: the compiler alone needs seconds to find
// out that it has nothing to do, and a second start is to be ready in less than five. Plain JavaScript, because it runs
// before anything is compiled.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const STAMP = 'dist/.built-from';
const SOURCES = ['apps', 'libs', 'nest-cli.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Changes with any file's content as far as its size and time tell, and with any file that comes or goes. */
function fingerprint() {
  const files = SOURCES.flatMap((source) => {
    if (!statSync(source).isDirectory()) return [source];
    return readdirSync(source, { recursive: true }).map((name) => join(source, name));
  });
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const status = statSync(file);
    if (status.isFile()) hash.update(`${file} ${status.size} ${status.mtimeMs}\n`);
  }
  return hash.digest('hex');
}

const now = fingerprint();
if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== now) {
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(STAMP, now);
}
