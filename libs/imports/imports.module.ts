import { Module } from '@nestjs/common';
import { RecordsModule } from '#libs/records';
import { ImportJobMetrics, ImportMetrics } from './import.metrics';
import { ImportRequestRepository } from './import-request.repository';
import { ImportRunner } from './import.runner';
import { ImportJobRepository } from './import-job.repository';
import { SpellingResolver } from './spelling.resolver';

/** Imports, as requests create and read them. Requires the global `DatabaseModule`. */
@Module({
  providers: [ImportMetrics, ImportRequestRepository, SpellingResolver],
  exports: [ImportMetrics, ImportRequestRepository, SpellingResolver],
})
export class ImportsModule {}

/** The import jobs that a worker runs. */
@Module({
  imports: [ImportsModule, RecordsModule],
  providers: [ImportJobMetrics, ImportJobRepository, ImportRunner],
  exports: [ImportJobMetrics, ImportJobRepository, ImportRunner],
})
export class ImportJobsModule {}
