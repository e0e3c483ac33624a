import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Max, Min, ValidateIf } from 'class-validator';
import { LOOKUP_VALUES, PROPERTY_TYPES } from '#libs/properties';

const MAX_SORT_INDEX = 1_000_000;
const LOOKUP = { message: `lookup must be one of ${LOOKUP_VALUES.join(', ')}` };
const TYPE = { message: `type must be one of ${PROPERTY_TYPES.join(', ')}` };

/** The member may be left out, but not null. */
const IfPresent = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

function SortIndex(): PropertyDecorator {
  const options = { message: `sort_index must be a whole number from 0 to ${MAX_SORT_INDEX}` };
  return (target, name) => {
    for (const rule of [IsInt(options), Min(0, options), Max(MAX_SORT_INDEX, options)]) rule(target, name);
  };
}

/** An option of a new property. */
export class OptionEnvelope {
  @IfPresent()
  @IsString({ message: 'slug must be a string' })
  slug?: string;

  @IsString({ message: 'value must be a string: the display name of the option' })
  value!: string;

  @IsOptional()
  @SortIndex()
  sort_index?: number | null;
}

/** What clients of the official SDKs repeat of a definition. */
class DefinitionReference {
  @IfPresent()
  @IsString({ message: 'type must be a string' })
  type?: string;

  @IsOptional()
  @IsString({ message: 'list_id must be a list id (UUID) or null' })
  list_id?: string | null;
}

export class NewOptionEnvelope extends DefinitionReference {
  @IfPresent()
  @IsString({ message: 'slug must be a string' })
  slug?: string;

  @IsString({ message: 'value must be a string: the display name of the option' })
  value!: string;

  @IsOptional()
  @SortIndex()
  sort_index?: number | null;
}

export class OptionPatchEnvelope extends DefinitionReference {
  @IfPresent()
  @IsString({ message: 'slug must be a string' })
  slug?: string;

  @IfPresent()
  @IsString({ message: 'value must be a string: the display name of the option' })
  value?: string;

  @IsOptional()
  @SortIndex()
  sort_index?: number | null;
}

export class NewPropertyEnvelope {
  @IfPresent()
  @IsString({ message: 'slug must be a string' })
  slug?: string;

  @IsIn(PROPERTY_TYPES, TYPE)
  type!: (typeof PROPERTY_TYPES)[number];

  @IsString({ message: 'name must be a string: the display name of the property' })
  name!: string;

  @IfPresent()
  @IsBoolean({ message: 'required must be true or false' })
  required?: boolean;

  @IfPresent()
  @IsIn(LOOKUP_VALUES, LOOKUP)
  lookup?: (typeof LOOKUP_VALUES)[number];

  @IsOptional()
  @IsString({ message: 'list_id must be a list id (UUID) or null' })
  list_id?: string | null;

  @IfPresent()
  @IsArray({ message: 'options must be an array of {slug?, value}' })
  options?: unknown[];
}

export class PropertyPatchEnvelope extends DefinitionReference {
  @IfPresent()
  @IsString({ message: 'slug must be a string' })
  slug?: string;

  @IfPresent()
  @IsString({ message: 'name must be a string: the display name of the property' })
  name?: string;

  @IfPresent()
  @IsBoolean({ message: 'required must be true or false' })
  required?: boolean;

  @IfPresent()
  @IsIn(LOOKUP_VALUES, LOOKUP)
  lookup?: (typeof LOOKUP_VALUES)[number];
}
