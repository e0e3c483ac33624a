import { Module } from '@nestjs/common';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { LookupController } from './lookup.controller';
import { LookupService } from './lookup.service';
import { RecordController } from './record.controller';
import { UpsertService } from './upsert.service';
import { RecordService } from './record.service';

@Module({
  imports: [PropertiesModule, RecordsModule],
  controllers: [RecordController, LookupController],
  providers: [RecordService, LookupService, UpsertService],
})
export class RecordsApiModule {}
