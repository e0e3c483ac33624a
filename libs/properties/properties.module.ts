import { Module } from '@nestjs/common';
import { PropertyDefinitionRepository } from './property-definition.repository';
import { PropertyDefinitionService } from './property-definition.service';

/** Provides `PropertyDefinitionService`. Needs the global `DatabaseModule` and `ConfigModule`. */
@Module({
  providers: [PropertyDefinitionRepository, PropertyDefinitionService],
  exports: [PropertyDefinitionService],
})
export class PropertiesModule {}
