import { IsObject, IsOptional } from 'class-validator';

/** The body of a single write. The content of the blocks is checked against the property definitions. */
export class RecordEnvelope {
  @IsOptional()
  @IsObject({ message: 'default must be an object of property slugs and values' })
  default?: unknown;

  @IsOptional()
  @IsObject({ message: 'list must be an object of list ids, each with an object of slugs and values' })
  list?: unknown;

  @IsOptional()
  @IsObject({ message: 'extended must be an object' })
  extended?: unknown;
}
