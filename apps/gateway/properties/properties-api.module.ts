import { Module } from '@nestjs/common';
import { PropertiesModule } from '#libs/properties';
import { PropertiesController } from './properties.controller';
import { SchemaController } from './schema.controller';
import { SchemaService } from './schema.service';

@Module({
  imports: [PropertiesModule],
  controllers: [PropertiesController, SchemaController],
  providers: [SchemaService],
})
export class PropertiesApiModule {}
