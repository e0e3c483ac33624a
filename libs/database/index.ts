export { Cancellation } from './cancellation';
export { Database } from './database';
export type { DatabaseClient, DatabaseMeter, LendOptions, Rows, Statement } from './database';
export { DatabaseUnavailable, isConnectionFailure, sqlState, sqlStateOf } from './database.errors';
export { DatabaseModule, openDatabase } from './database.module';
export { MigrationError, migrate, pendingMigrations, readMigrations } from './migration.runner';
export type { Migration } from './migration.runner';
