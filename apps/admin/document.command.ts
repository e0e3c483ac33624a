import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsReference } from '#libs/config';
import { errorsReference } from '#libs/errors';
import { metricsReference } from '#libs/telemetry';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { bomOf, type Lockfile } from './lockfile.bom';

/** The generated documents by file name. */
const REFERENCES: Readonly<Record<string, () => string>> = {
  'configuration.md': settingsReference,
  'errors.md': errorsReference,
  'metrics.md': metricsReference,
};

export function addDocsCommand(program: Command, session: AdminSession): void {
  program
    .command('docs')
    .description('Generate the references of settings, errors and metrics from the code.')
    .option('--out <folder>', 'the output folder', 'docs')
    .action(async ({ out }: { out: string }) => {
      await mkdir(out, { recursive: true });
      for (const [name, reference] of Object.entries(REFERENCES)) {
        const file = join(out, name);
        await writeFile(file, reference());
        session.print(`wrote ${file}`);
      }
    });
}

export function addSbomCommand(program: Command, session: AdminSession): void {
  program
    .command('sbom')
    .description('Print the production dependencies as a CycloneDX document, from the lockfile.')
    .option('--lockfile <file>', "npm's lockfile", 'package-lock.json')
    .action(async ({ lockfile }: { lockfile: string }) => {
      const content = JSON.parse(await readFile(lockfile, 'utf8')) as Lockfile; // npm's format
      session.print(JSON.stringify(bomOf(content), null, 2));
    });
}
