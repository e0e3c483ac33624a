/** The files and the database do not fit together, or a schema change does not get its locks. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}
