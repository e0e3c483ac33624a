import { Module } from '@nestjs/common';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { BatchController } from './batch.controller';
import { BatchService } from './batch.service';

@Module({
  imports: [PropertiesModule, RecordsModule],
  controllers: [BatchController],
  providers: [BatchService],
})
export class BatchModule {}
