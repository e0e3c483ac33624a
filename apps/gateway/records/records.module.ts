import { Module } from '@nestjs/common';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { RecordController } from './record.controller';
import { RecordService } from './record.service';

@Module({
  imports: [PropertiesModule, RecordsModule],
  controllers: [RecordController],
  providers: [RecordService],
})
export class RecordApiModule {}
