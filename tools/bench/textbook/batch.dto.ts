import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsNumber,
  IsOptional,
  IsString,
  IsUUID,
  ValidateNested,
} from 'class-validator';

export class PropertiesDto {
  @IsOptional() @IsString() name?: string;
  @IsOptional() @IsString() primary_domain?: string;
  @IsOptional() @IsNumber() employees?: number;
  @IsOptional() @IsIn(['lead', 'qualified', 'proposal', 'won', 'lost']) stage?: string;
  @IsOptional() @IsString({ each: true }) tags?: string[];
  @IsOptional() @IsString() notes?: string;
}

export class ItemDto {
  @IsUUID() id!: string; // the pipe assigns it
  @ValidateNested() @Type(() => PropertiesDto) default!: PropertiesDto; // the pipe assigns it
}

export class BatchDto {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => ItemDto)
  items!: ItemDto[]; // the pipe assigns it
}
