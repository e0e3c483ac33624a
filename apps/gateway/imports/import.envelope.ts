import { IsArray, IsBoolean, IsOptional, IsString } from 'class-validator';

/** How an import treats its rows. */
export class ImportOptionsEnvelope {
  @IsOptional()
  @IsString({ message: 'dedupe_by must be the slug of a property' })
  dedupe_by?: string | null;

  @IsOptional()
  @IsBoolean({ message: 'caseInsensitive must be true or false' })
  caseInsensitive?: boolean | null;

  @IsOptional()
  @IsString({ message: 'list_id must be a UUID' })
  list_id?: string | null;

  @IsOptional()
  @IsBoolean({ message: 'update_existing must be true or false' })
  update_existing?: boolean | null;

  @IsOptional()
  @IsBoolean({ message: 'create_missing_options must be true or false' })
  create_missing_options?: boolean | null;
}

/** The body of an import. The service checks the number of rows, which depends on the settings. */
export class ImportEnvelope {
  static readonly nested = { options: ImportOptionsEnvelope };

  @IsArray({ message: 'objects must be an array of rows' })
  objects!: unknown[]; // checkedEnvelope assigns it

  @IsOptional()
  options?: ImportOptionsEnvelope | null;
}
