import { Module } from '@nestjs/common';

import { PropertyDefinitionRepository } from './property-definition.repository';
import { PropertyDefinitionService } from './property-definition.service';

/** Needs Database and Settings from global modules. */
@Module({
  providers: [PropertyDefinitionRepository, PropertyDefinitionService],
  exports: [PropertyDefinitionService],
})
export class PropertiesModule {}
