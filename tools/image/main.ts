import { baseImage } from './base.image';
import { BuiltImage } from './built.image';
import { requirePrograms } from './command';
import { checkConfig, checkFiles } from './content.checks';
import { ImageRun } from './run.checks';

/** Builds the image of the Dockerfile without a daemon, looks at it, and runs it. Exit code 1 if anything is wrong. */
async function main(): Promise<void> {
  requirePrograms();
  const base = await step('a base like the one that the Dockerfile names', () => baseImage());
  const image = await step('the Dockerfile builds', () => BuiltImage.build(base));
  try {
    await step('it says how it is run: not as root, its ports, its health check; no secret', () => {
      checkConfig(image);
    });
    await step('it holds what the product needs, nothing of development, and nothing it could change', () => {
      checkFiles(image);
    });
    const run = await ImageRun.open(image);
    try {
      await step('it runs with no right, and cannot write', () => run.isPowerless());
      await step('it migrates a database, also twice', () => run.migrates());
      await step('it serves a batch, once for a key; is healthy; ends with 0 on SIGTERM', () => run.serves());
      await step('its worker works, and ends with 0 on SIGTERM', () => run.works());
    } finally {
      await run.close();
    }
  } finally {
    image.remove();
  }
}

async function step<T>(what: string, check: () => T | Promise<T>): Promise<T> {
  const began = performance.now();
  try {
    const result = await check();
    process.stdout.write(`ok    ${what} (${((performance.now() - began) / 1_000).toFixed(1)} s)\n`);
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
