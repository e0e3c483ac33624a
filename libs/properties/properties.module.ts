import { Module } from '@nestjs/common';
import { IdempotencyModule } from '#libs/idempotency';
import { PropertyDefinitionRepository } from './property-definition.repository';
import { PropertyDefinitionService } from './property-definition.service';
import { SchemaRepository } from './schema.repository';
import { SchemaWriter } from './schema.writer';

/** Provides `PropertyDefinitionService` and `SchemaWriter`. Requires the global `DatabaseModule` and `ConfigModule`. */
@Module({
  imports: [IdempotencyModule],
  providers: [PropertyDefinitionRepository, PropertyDefinitionService, SchemaRepository, SchemaWriter],
  exports: [PropertyDefinitionService, SchemaWriter],
})
export class PropertiesModule {}
