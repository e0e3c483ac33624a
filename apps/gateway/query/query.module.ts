import { Module } from '@nestjs/common';
import { PropertiesModule } from '#libs/properties';
import { RecordsModule } from '#libs/records';
import { QueryController } from './query.controller';
import { QueryService } from './query.service';

@Module({ imports: [PropertiesModule, RecordsModule], controllers: [QueryController], providers: [QueryService] })
export class QueryModule {}
