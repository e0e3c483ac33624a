import { Logger } from '@nestjs/common';
import { UnknownProperties } from './block.validator';
import { builtInDefinitions } from './built-in.definitions';
import { ItemValidator } from './item.validator';
import { ObjectType, objectTypes } from './object-type.constants';
import { PropertyDefinition } from './property-definition.interface';
import { DefinitionRow, OptionRow, TeamRows } from './property-definition.repository';
import { isPropertyType } from './property-type.constants';

const logger = new Logger('TeamProperties');

/** The properties of one team as they were at one moment: built in and its own. Validators are compiled on first use. */
export class TeamProperties {
  private readonly definitions = new Map<ObjectType, readonly PropertyDefinition[]>();
  private readonly validators = new Map<ObjectType, ItemValidator>();

  constructor(
    readonly rows: TeamRows,
    private readonly unknown: UnknownProperties,
  ) {
    const options = groupBy(rows.options, (option) => option.property_id);
    const own = groupBy(rows.definitions, (row) => row.object_type);
    for (const objectType of objectTypes) {
      const builtIn = builtInDefinitions.get(objectType) ?? [];
      const ofTeam = own.get(objectType) ?? [];
      // Built-in ones first: they hold where a team's own has the same slug.
      this.definitions.set(objectType, [
        ...builtIn.map((definition) => withOptions(definition, options.get(definition.id) ?? [])),
        ...ofTeam.map((row) => definitionOf(row, options.get(row.id) ?? [])),
      ]);
    }
    warnOfUnsupportedTypes(rows.definitions);
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
  const { id, slug, type, name, required, native, locked, list_id } = row;
  const rest = { id, slug, name, required, native, list_id, options: [] };
  // One such row must not keep the team from its other properties.
  const definition: PropertyDefinition = isPropertyType(type)
    ? { ...rest, type, locked }
    : { ...rest, type: 'jsonb', locked: true, unsupportedType: type };
  return withOptions(definition, options);
}

/** One line for all of them, each time the rows of a team have changed. */
function warnOfUnsupportedTypes(rows: readonly DefinitionRow[]): void {
  const unsupported = rows.filter(({ type }) => !isPropertyType(type));
  if (unsupported.length === 0) return;
  logger.warn({
    message: 'property definitions have types that this release does not support: they are read-only',
    definitions: unsupported.length,
    // Enough to find them.
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
