import { Logger } from '@nestjs/common';
import type { UnknownProperties } from './block.validator';
import { BUILT_IN_DEFINITIONS } from './built-in.definitions';
import { ItemValidator } from './item.validator';
import { isPropertyType, type ObjectType, OBJECT_TYPES, type PropertyDefinition } from './property-definition';
import type { DefinitionRow, OptionRow, TeamRows } from './property-definition.repository';

const logger = new Logger('TeamProperties');

/** A snapshot of the property definitions of one team, built-in and its own. Validators are compiled on first use. */
export class TeamProperties {
  private readonly definitions = new Map<ObjectType, readonly PropertyDefinition[]>();
  private readonly validators = new Map<ObjectType, ItemValidator>();

  constructor(
    rows: TeamRows,
    private readonly unknown: UnknownProperties,
  ) {
    const options = groupBy(rows.options, (option) => option.property_id);
    const own = groupBy(rows.definitions, (row) => row.object_type);
    for (const objectType of OBJECT_TYPES) {
      const builtIn = BUILT_IN_DEFINITIONS.get(objectType) ?? [];
      const ofTeam = own.get(objectType) ?? [];
      // Built-in ones first: of two definitions with the same slug, the first applies.
      this.definitions.set(objectType, [
        ...builtIn.map((definition) => withOptions(definition, options.get(definition.id) ?? [])),
        ...ofTeam.map((row) => definitionOf(row, options.get(row.id) ?? [])),
      ]);
    }
    warnAboutUnsupportedTypes(rows.definitions);
  }

  definitionsOf(objectType: ObjectType): readonly PropertyDefinition[] {
    return this.definitions.get(objectType) ?? [];
  }

  validatorOf(objectType: ObjectType): ItemValidator {
    let validator = this.validators.get(objectType);
    if (validator === undefined) {
      validator = new ItemValidator(objectType, this.definitionsOf(objectType), this.unknown);
      this.validators.set(objectType, validator);
    }
    return validator;
  }
}

function definitionOf(row: DefinitionRow, options: readonly OptionRow[]): PropertyDefinition {
  const { id, slug, type, name, required, native, locked, list_id, lookup, lookup_state } = row;
  const rest = { id, slug, name, required, native, list_id, lookup, lookup_state, options: [] };
  // An unsupported type must not make the team's other properties unavailable.
  const definition: PropertyDefinition = isPropertyType(type)
    ? { ...rest, type, locked }
    : { ...rest, type: 'jsonb', locked: true, unsupportedType: type };
  return withOptions(definition, options);
}

/** Writes one line each time the rows of a team have changed. */
function warnAboutUnsupportedTypes(rows: readonly DefinitionRow[]): void {
  const unsupported = rows.filter(({ type }) => !isPropertyType(type));
  if (unsupported.length === 0) return;
  logger.warn({
    message: 'property definitions have types that this release does not support: they are read-only',
    definitions: unsupported.length,
    property_ids: unsupported.slice(0, 10).map(({ id }) => id),
  });
}

function withOptions(definition: PropertyDefinition, added: readonly OptionRow[]): PropertyDefinition {
  if (added.length === 0) return definition;
  return {
    ...definition,
    options: [...definition.options, ...added.map(({ id, slug, value }) => ({ id, slug, value }))],
  };
}

function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return groups;
}
