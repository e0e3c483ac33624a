import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { bomOf, type Lockfile } from './lockfile.bom';

export function addSbomCommand(program: Command, session: AdminSession): void {
  program
    .command('sbom')
    .description('Print what runs in production as a CycloneDX document, made from the lockfile.')
    .option('--lockfile <file>', 'the lockfile of npm', 'package-lock.json')
    .action(async ({ lockfile }: { lockfile: string }) => {
      const read = JSON.parse(await readFile(lockfile, 'utf8')) as Lockfile; // npm's own format
      session.print(JSON.stringify(bomOf(read), null, 2));
    });
}
