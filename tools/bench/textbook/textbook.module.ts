import { Module } from '@nestjs/common';
import { Pool } from 'pg';
import { BatchController } from './batch.controller';
import { BatchService } from './batch.service';
import { BareController } from './bare.controller';
import { PostgrestController } from './postgrest.controller';
import { ReadController } from './read.controller';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

@Module({
  controllers: [BatchController, BareController, ReadController, PostgrestController],
  providers: [BatchService, { provide: Pool, useValue: pool }],
})
export class TextbookModule {}
