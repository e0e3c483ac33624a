import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Migration, readMigrations } from '#libs/database';

// The procedure gets a new parameter, so it stands twice in the schema: as the version that is running calls it, and as
// the next one will.
const expand = `
  ALTER TABLE records ADD COLUMN region text;
  ALTER TABLE idempotency_requests ADD COLUMN region text NOT NULL DEFAULT 'here';
  DO $$
  BEGIN
    EXECUTE replace(pg_get_functiondef('apply_batch'::regproc), 'IN p_request_id text', 'IN p_request_id text, IN p_region text');
  END
  $$`;

const contract = `
  DO $$
  BEGIN
    EXECUTE (SELECT 'DROP PROCEDURE ' || p.oid::regprocedure FROM pg_proc AS p
              WHERE p.proname = 'apply_batch' AND NOT 'p_region' = ANY (p.proargnames));
  END
  $$`;

/**
 * The product as it might be a version later: the same programs, but they call the procedure with a parameter that only
 * their own migration brings, and that the version of today does not know.
 */
export class NextVersion {
  private constructor(private readonly folder: string) {}

  /** From what was built. */
  static make(): NextVersion {
    const folder = mkdtempSync(join(tmpdir(), 'prism-next-'));
    cpSync('dist/apps', join(folder, 'dist/apps'), { recursive: true });
    cpSync('dist/libs', join(folder, 'dist/libs'), { recursive: true });
    cpSync('package.json', join(folder, 'package.json'));
    symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
    const call = join(folder, 'dist/libs/records/sql/apply_batch.sql');
    const text = readFileSync(call, 'utf8').replace('p_request_id =>', "p_region => 'here', p_request_id =>");
    if (!text.includes('p_region')) throw new Error(`${call} does not call apply_batch as expected`);
    writeFileSync(call, text);
    writeFileSync(join(folder, 'dist/libs/database/migrations/9001_region.sql'), expand);
    return new NextVersion(folder);
  }

  get gateway(): string {
    return join(this.folder, 'dist/apps/gateway/main.js');
  }

  /** Up to the one that lets both versions run. */
  get migrations(): Migration[] {
    return readMigrations(join(this.folder, 'dist/libs/database/migrations'));
  }

  /** Of the version after that: it takes away what only the version of today calls. */
  get contracted(): Migration[] {
    return [...this.migrations, { name: '9002_contract_region', sql: contract, checksum: 'none' }];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
