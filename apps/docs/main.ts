import 'reflect-metadata';
import { writeReferences } from './references';

// Usage: main.js [folder]. Writes the references of settings, errors and metrics, by default to docs/.
async function main(): Promise<void> {
  for (const file of await writeReferences(process.argv[2] ?? 'docs')) process.stdout.write(`wrote ${file}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
});
