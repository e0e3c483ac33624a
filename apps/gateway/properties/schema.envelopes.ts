import { applyDecorators } from '@nestjs/common';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, Max, Min, ValidateIf } from 'class-validator';
import { type Lookup, LOOKUP_VALUES, PROPERTY_TYPES } from '#libs/properties';

const MAX_SORT_INDEX = 1_000_000;
const SORT_INDEX = { message: `sort_index must be a whole number from 0 to ${MAX_SORT_INDEX}` };

/** The member may be left out, but not null. */
const IfPresent = (): PropertyDecorator => ValidateIf((_, value) => value !== undefined);

const IsSlug = (): PropertyDecorator => IsString({ message: 'slug must be a string' });
const IsName = (): PropertyDecorator =>
  IsString({ message: 'name must be a string: the display name of the property' });
const IsOptionValue = (): PropertyDecorator =>
  IsString({ message: 'value must be a string: the display name of the option' });
const IsRequired = (): PropertyDecorator => IsBoolean({ message: 'required must be true or false' });
const IsLookup = (): PropertyDecorator =>
  IsIn(LOOKUP_VALUES, { message: `lookup must be one of ${LOOKUP_VALUES.join(', ')}` });
const IsListId = (): PropertyDecorator => IsString({ message: 'list_id must be a list id (UUID) or null' });
const IsSortIndex = (): PropertyDecorator =>
  applyDecorators(IsInt(SORT_INDEX), Min(0, SORT_INDEX), Max(MAX_SORT_INDEX, SORT_INDEX));

/** An option of a new property. */
export class OptionEnvelope {
  @IfPresent()
  @IsSlug()
  slug?: string;

  @IsOptionValue()
  value!: string;

  @IsOptional()
  @IsSortIndex()
  sort_index?: number | null;
}

/** What clients of the official SDKs repeat of a definition. */
class DefinitionReference {
  @IfPresent()
  @IsString({ message: 'type must be a string' })
  type?: string;

  @IsOptional()
  @IsListId()
  list_id?: string | null;
}

export class NewOptionEnvelope extends DefinitionReference {
  @IfPresent()
  @IsSlug()
  slug?: string;

  @IsOptionValue()
  value!: string;

  @IsOptional()
  @IsSortIndex()
  sort_index?: number | null;
}

export class OptionPatchEnvelope extends DefinitionReference {
  @IfPresent()
  @IsSlug()
  slug?: string;

  @IfPresent()
  @IsOptionValue()
  value?: string;

  @IsOptional()
  @IsSortIndex()
  sort_index?: number | null;
}

export class NewPropertyEnvelope {
  @IfPresent()
  @IsSlug()
  slug?: string;

  @IsIn(PROPERTY_TYPES, { message: `type must be one of ${PROPERTY_TYPES.join(', ')}` })
  type!: (typeof PROPERTY_TYPES)[number];

  @IsName()
  name!: string;

  @IfPresent()
  @IsRequired()
  required?: boolean;

  @IfPresent()
  @IsLookup()
  lookup?: Lookup;

  @IsOptional()
  @IsListId()
  list_id?: string | null;

  @IfPresent()
  @IsArray({ message: 'options must be an array of {slug?, value}' })
  options?: unknown[];
}

export class PropertyPatchEnvelope extends DefinitionReference {
  @IfPresent()
  @IsSlug()
  slug?: string;

  @IfPresent()
  @IsName()
  name?: string;

  @IfPresent()
  @IsRequired()
  required?: boolean;

  @IfPresent()
  @IsLookup()
  lookup?: Lookup;
}
