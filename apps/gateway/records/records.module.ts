import { Module } from '@nestjs/common';
import { IdempotencyModule } from '#libs/idempotency';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { RecordController } from './record.controller';
import { RecordService } from './record.service';

@Module({
  imports: [IdempotencyModule, PropertiesModule, RecordsModule],
  controllers: [RecordController],
  providers: [RecordService],
})
export class RecordApiModule {}
