/** The migrations in the files and those in the database do not fit together, or a change does not get its locks. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}
