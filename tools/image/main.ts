import { baseImage } from './base.image';
import { BuiltImage } from './built.image';
import { requirePrograms } from './command';
import { checkConfig, checkFiles } from './content.checks';
import { ImageRun } from './run.checks';

/** Builds the image of the Dockerfile without a daemon, checks its content, and runs it. Exit code 1 if a check fails. */
async function main(): Promise<void> {
  requirePrograms();
  const base = await step('base image', () => baseImage());
  const image = await step('build', () => BuiltImage.build(base));
  try {
    await step('configuration: user, ports, health check, no secret', () => {
      checkConfig(image);
    });
    await step('files: runtime dependencies only, not writable by the product', () => {
      checkFiles(image);
    });
    const run = await ImageRun.open(image);
    try {
      await step('runs without capabilities on a read-only file system', () => run.hasNoPrivileges());
      await step('migrates a database, also repeatedly', () => run.migrates());
      await step('serves a keyed batch once, is healthy, and exits with 0 on SIGTERM', () => run.serves());
      await step('runs the worker, which exits with 0 on SIGTERM', () => run.works());
    } finally {
      await run.close();
    }
  } finally {
    image.remove();
  }
}

async function step<T>(what: string, check: () => T | Promise<T>): Promise<T> {
  const startedAt = performance.now();
  try {
    const result = await check();
    process.stdout.write(`ok    ${what} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)\n`);
    return result;
  } catch (error) {
    process.stdout.write(`FAIL  ${what}\n`);
    throw error;
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
