import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AdminSession } from './admin.session';
import { bomOf, type Lockfile } from './lockfile.bom';

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
