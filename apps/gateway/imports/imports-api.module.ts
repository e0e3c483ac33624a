import { Module } from '@nestjs/common';
import { ImportsModule } from '#libs/imports';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { ImportController } from './import.controller';
import { ImportService } from './import.service';

@Module({
  imports: [ImportsModule, PropertiesModule, RecordsModule],
  controllers: [ImportController],
  providers: [ImportService],
})
export class ImportsApiModule {}
