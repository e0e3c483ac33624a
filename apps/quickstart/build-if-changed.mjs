// Runs the build unless dist/ was built from the current sources. The compiler alone needs seconds to find that nothing
// changed. Plain JavaScript, because it runs before anything is compiled.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const FINGERPRINT_FILE = 'dist/.built-from';
const SOURCES = ['apps', 'libs', 'nest-cli.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Changes when a source file appears or disappears, or its size or modification time changes. */
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

const current = fingerprint();
if (!existsSync(FINGERPRINT_FILE) || readFileSync(FINGERPRINT_FILE, 'utf8') !== current) {
  const nest = createRequire(import.meta.url).resolve('@nestjs/cli/bin/nest.js');
  const { status } = spawnSync(process.execPath, [nest, 'build'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(FINGERPRINT_FILE, current);
}
