import { Module } from '@nestjs/common';
import { ImportsModule } from '#libs/imports';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { ImportController } from './import.controller';
import { ImportPlanService } from './import-plan.service';
import { ImportService } from './import.service';

@Module({
  imports: [ImportsModule, PropertiesModule, RecordsModule],
  controllers: [ImportController],
  providers: [ImportPlanService, ImportService],
})
export class ImportsApiModule {}
