import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSchemaFiles, type SchemaFiles } from '#libs/database';

const version = '99.0.0';

const expand = `
  ALTER TABLE records ADD COLUMN region text;
  ALTER TABLE idempotency_requests ADD COLUMN region text NOT NULL DEFAULT 'here';`;

const contract = `
  DO $$
  BEGIN
    EXECUTE 'DROP PROCEDURE ' || 'apply_batch'::regproc::oid::regprocedure;
  END
  $$`;

/**
 * The product as it may be one version later: a migration adds columns, a function that both versions use has another text,
 * and the gateway calls a new function, because the procedure has a new parameter.
 */
export class NextVersion {
  private constructor(private readonly folder: string) {}

  /** Creates it from the build of this version. */
  static make(): NextVersion {
    const folder = mkdtempSync(join(tmpdir(), 'prism-next-'));
    cpSync('dist/apps', join(folder, 'dist/apps'), { recursive: true });
    cpSync('dist/libs', join(folder, 'dist/libs'), { recursive: true });
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as object; // an object, or npm would not run
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
    symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));

    const database = join(folder, 'dist/libs/database');
    writeFileSync(join(database, 'migrations/9001_region.sql'), expand);
    const procedure = readFileSync(join(database, 'functions/apply_batch.sql'), 'utf8');
    writeFileSync(
      join(database, 'functions/apply_batch_2.sql'),
      replaced(
        replaced(procedure, 'PROCEDURE apply_batch(', 'PROCEDURE apply_batch_2('),
        'p_request_id text,',
        'p_request_id text, p_region text,',
      ),
    );
    const shared = join(database, 'functions/render_entries.sql');
    writeFileSync(shared, `-- Another text.\n${readFileSync(shared, 'utf8')}`);
    const call = join(folder, 'dist/libs/records/sql/apply_batch.sql');
    const text = replaced(readFileSync(call, 'utf8'), 'CALL apply_batch(', 'CALL apply_batch_2(');
    writeFileSync(call, replaced(text, 'p_request_id =>', "p_region => 'here', p_request_id =>"));
    return new NextVersion(folder);
  }

  get gateway(): string {
    return join(this.folder, 'dist/apps/gateway/main.js');
  }

  /** Works for both versions. */
  get schema(): SchemaFiles {
    return { ...readSchemaFiles(join(this.folder, 'dist/libs/database')), version };
  }

  /** The schema of the version after it, which removes what only the version of today calls. */
  get contractedSchema(): SchemaFiles {
    const { migrations, functions } = this.schema;
    return {
      version: '100.0.0',
      migrations: [...migrations, { name: '9002_contract_region', sql: contract, checksum: 'none' }],
      functions: functions.filter(({ name }) => name !== 'apply_batch'),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

function replaced(text: string, part: string, by: string): string {
  if (!text.includes(part)) throw new Error(`expected to find: ${part}`);
  return text.replace(part, by);
}
