import { Module } from '@nestjs/common';
import { RecordRepository } from './record.repository';
import { RecordWriter } from './record.writer';

@Module({ providers: [RecordRepository, RecordWriter], exports: [RecordRepository, RecordWriter] })
export class RecordsModule {}
