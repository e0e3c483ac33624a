export type { BlockChange, Change, ExtendedChange, Json, Validation } from './change.interface';
export { ItemValidator } from './item.validator';
export { isObjectType, type ObjectType, objectTypes } from './object-type.constants';
export { PropertiesModule } from './properties.module';
export type { PropertyDefinition } from './property-definition.interface';
export { PropertyDefinitionRepository } from './property-definition.repository';
export { PropertyDefinitionService } from './property-definition.service';
export { propertyTypes } from './property-type.constants';
export { lowerCaseUuid } from './uuid.check';
