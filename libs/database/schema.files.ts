import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readVersion } from '#libs/telemetry';

/** A file of SQL that changes the schema. */
export interface SchemaFile {
  /** The file's name without its ending, such as `0001_tables` or `apply_batch`. */
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the SQL, in hex. */
  readonly checksum: string;
}

/** The schema that a version of the programs needs. */
export interface SchemaFiles {
  /** The version of the programs, from package.json. */
  readonly version: string;
  /** Applied once each, in the order of their names, and never edited afterwards. */
  readonly migrations: readonly SchemaFile[];
  /** One function or procedure each, named like its file. Applied again when it changes. */
  readonly functions: readonly SchemaFile[];
}

/** Reads the schema that this version of the programs needs. */
export function readSchemaFiles(directory: string = __dirname): SchemaFiles {
  return {
    version: readVersion(),
    migrations: filesOf(join(directory, 'migrations')),
    functions: filesOf(join(directory, 'functions')),
  };
}

function filesOf(directory: string): SchemaFile[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const sql = readFileSync(join(directory, file), 'utf8');
      return { name: file.slice(0, -'.sql'.length), sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}
