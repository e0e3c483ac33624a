import { Module } from '@nestjs/common';
import { AuthModule } from '#libs/auth';
import { QueryMetrics } from './query/query.metrics';
import { RecordQueryRepository } from './query/query.repository';
import { RecordRepository } from './record.repository';
import { RecordWriter } from './record.writer';
import { RecordsMetrics } from './records.metrics';

/** Writes, reads and queries of records. Requires the global `DatabaseModule` and `TelemetryModule`. */
@Module({
  imports: [AuthModule],
  providers: [QueryMetrics, RecordsMetrics, RecordQueryRepository, RecordRepository, RecordWriter],
  exports: [QueryMetrics, RecordsMetrics, RecordQueryRepository, RecordRepository, RecordWriter],
})
export class RecordsModule {}
