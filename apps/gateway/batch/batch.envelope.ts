import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn, IsOptional } from 'class-validator';
import { type BatchOptions, defaultOptions, MAX_ITEMS } from '#libs/records';

const onError = ['continue', 'stop', 'rollback'] as const;
const representations = ['representation', 'minimal'] as const;

/** How a batch treats its items. */
export class BatchOptionsEnvelope {
  @IsOptional()
  @IsIn(onError, { message: `on_error must be one of ${onError.join(', ')}` })
  on_error?: (typeof onError)[number] | null;

  @IsOptional()
  @IsIn(representations, { message: `return must be one of ${representations.join(', ')}` })
  return?: (typeof representations)[number] | null;

  @IsOptional()
  @IsBoolean({ message: 'dry_run must be true or false' })
  dry_run?: boolean | null;
}

abstract class BatchEnvelope {
  static readonly nested = { options: BatchOptionsEnvelope };

  @IsOptional()
  options?: BatchOptionsEnvelope | null;
}

/** The body of a batch update: 1 to 100 items. */
export class BatchUpdateEnvelope extends BatchEnvelope {
  @ArrayMaxSize(MAX_ITEMS, { message: `items must hold 1 to ${MAX_ITEMS} items` })
  @ArrayMinSize(1, { message: `items must hold 1 to ${MAX_ITEMS} items` })
  @IsArray({ message: `items must be an array of 1 to ${MAX_ITEMS} items` })
  items!: unknown[]; // checkedEnvelope assigns it
}

/** The body of a batch delete: 1 to 100 ids. */
export class BatchDeleteEnvelope extends BatchEnvelope {
  @ArrayMaxSize(MAX_ITEMS, { message: `ids must hold 1 to ${MAX_ITEMS} ids` })
  @ArrayMinSize(1, { message: `ids must hold 1 to ${MAX_ITEMS} ids` })
  @IsArray({ message: `ids must be an array of 1 to ${MAX_ITEMS} ids` })
  ids!: unknown[]; // checkedEnvelope assigns it
}

/** The options of a batch; those that are left out or null have the contract's defaults. */
export function batchOptions(given: BatchOptionsEnvelope | null | undefined): BatchOptions {
  return {
    onError: given?.on_error ?? defaultOptions.onError,
    return: given?.return ?? defaultOptions.return,
    dryRun: given?.dry_run ?? defaultOptions.dryRun,
  };
}
