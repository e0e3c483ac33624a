import { Module } from '@nestjs/common';
import { IdempotencyModule } from '#libs/idempotency';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { BatchController } from './batch.controller';
import { BatchService } from './batch.service';

@Module({
  imports: [IdempotencyModule, PropertiesModule, RecordsModule],
  controllers: [BatchController],
  providers: [BatchService],
})
export class BatchModule {}
