export { chunkKey, jobDoneInCall, MAX_ROWS, MIN_JOB_ROWS } from './import.job';
export { ImportJobMetrics, ImportMetrics } from './import.metrics';
export { chunksOf, ImportPlanner, maxRowsOf } from './import.plan';
export { type CreatedImport, ImportRepository } from './import.repository';
export { rowResults } from './import.result';
export { ImportRunner } from './import.runner';
export { ImportJobRepository } from './import-job.repository';
export { ImportJobsModule, ImportsModule } from './imports.module';
