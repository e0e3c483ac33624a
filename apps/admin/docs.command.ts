import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsReference } from '#libs/config';
import { errorsReference } from '#libs/errors';
import { metricsReference } from '#libs/telemetry';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';

/** The documents that are made from the code, by file name. */
const REFERENCES: Readonly<Record<string, () => string>> = {
  'configuration.md': settingsReference,
  'errors.md': errorsReference,
  'metrics.md': metricsReference,
};

export function addDocsCommand(program: Command, session: AdminSession): void {
  program
    .command('docs')
    .description('Write the references of settings, errors and metrics from the code.')
    .option('--out <folder>', 'where to', 'docs')
    .action(async ({ out }: { out: string }) => {
      await mkdir(out, { recursive: true });
      for (const [name, reference] of Object.entries(REFERENCES)) {
        const file = join(out, name);
        await writeFile(file, reference());
        session.print(`wrote ${file}`);
      }
    });
}
