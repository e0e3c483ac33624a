export { BUILT_IN_DEFINITIONS } from './built-in.definitions';
export type { BlockChange, Change, ExtendedChange, Validation } from './item.change';
export { type Operand, operandOf, optionSlugOf, textOperandOf } from './filter.operand';
export { ItemValidator, type RequestValidator } from './item.validator';
export { LookupBuilder, type LookupStep } from './lookup.builder';
export { type LookupBacklog, LookupMetrics } from './lookup.metrics';
export {
  isIndexed,
  type LookupDefinition,
  type LookupKind,
  lookupKindOf,
  lookupsTouchedBy,
  type LookupTarget,
  lookupTargetsOf,
} from './lookup.target';
export { MissingOptions, type PlannedOption } from './missing.options';
export { PropertiesModule } from './properties.module';
export {
  type Comparison,
  comparisonOf,
  hasOptions,
  isMultiValue,
  isObjectType,
  isPropertyType,
  isReference,
  type Lookup,
  LOOKUP_VALUES,
  type ObjectType,
  OBJECT_TYPES,
  type PropertyDefinition,
  PROPERTY_TYPES,
} from './property-definition';
export { PropertyDefinitionRepository } from './property-definition.repository';
export { PropertyDefinitionService } from './property-definition.service';
export {
  type Deletion,
  type Expected,
  MAX_NAME_LENGTH,
  MAX_OPTIONS,
  type NewOption,
  type NewProperty,
  type PropertyPatch,
  type SchemaChange,
} from './schema.change';
export type { SchemaPlanner } from './schema.planner';
export { SchemaWriter, type WrittenSchema } from './schema.writer';
export { isSlug, MAX_SLUG_LENGTH, RESERVED_SLUGS, SLUG_RULE } from './slug.rules';
export { suggestSlug } from './slug.suggestion';
export { MAX_TEAM_BYTES, MAX_TEAM_OPTIONS, MAX_TEAM_PROPERTIES, NO_USAGE } from './team.usage';
