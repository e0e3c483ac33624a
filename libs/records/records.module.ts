import { Module } from '@nestjs/common';
import { AuthModule } from '#libs/auth';
import { RecordRepository } from './record.repository';
import { RecordWriter } from './record.writer';
import { RecordsMetrics } from './records.metrics';

@Module({
  imports: [AuthModule],
  providers: [RecordsMetrics, RecordRepository, RecordWriter],
  exports: [RecordsMetrics, RecordRepository, RecordWriter],
})
export class RecordsModule {}
