import { Module } from '@nestjs/common';
import { PropertiesModule } from '#libs/properties';
import { PropertiesController } from './properties.controller';

@Module({ imports: [PropertiesModule], controllers: [PropertiesController] })
export class PropertiesApiModule {}
