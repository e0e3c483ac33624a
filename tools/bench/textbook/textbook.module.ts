import { Module } from '@nestjs/common';
import { Pool } from 'pg';
import { BatchController } from './batch.controller';
import { BatchService } from './batch.service';
import { CeilingController } from './ceiling.controller';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

@Module({
  controllers: [BatchController, CeilingController],
  providers: [BatchService, { provide: Pool, useValue: pool }],
})
export class TextbookModule {}
