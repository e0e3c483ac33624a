import { ArrayMaxSize, ArrayMinSize, IsArray, IsBoolean, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { invalidField } from '#libs/errors';
import { type BatchOptions, DEFAULT_OPTIONS, MAX_ITEMS } from '#libs/records';

const ON_ERROR = ['continue', 'stop', 'rollback'] as const;
const MAX_FAILURES = { message: `max_failures must be a whole number from 1 to ${MAX_ITEMS}` };
const RETURNS = ['representation', 'minimal'] as const;

/** How a batch treats its items. */
export class BatchOptionsEnvelope {
  @IsOptional()
  @IsIn(ON_ERROR, { message: `on_error must be one of ${ON_ERROR.join(', ')}` })
  on_error?: (typeof ON_ERROR)[number] | null;

  @IsOptional()
  @IsIn(RETURNS, { message: `return must be one of ${RETURNS.join(', ')}` })
  return?: (typeof RETURNS)[number] | null;

  @IsOptional()
  @IsBoolean({ message: 'dry_run must be true or false' })
  dry_run?: boolean | null;

  @IsOptional()
  @Max(MAX_ITEMS, MAX_FAILURES)
  @Min(1, MAX_FAILURES)
  @IsInt(MAX_FAILURES)
  max_failures?: number | null;

  @IsOptional()
  @IsBoolean({ message: 'skip_unchanged must be true or false' })
  skip_unchanged?: boolean | null;
}

abstract class BatchEnvelope {
  static readonly nested = { options: BatchOptionsEnvelope };

  @IsOptional()
  options?: BatchOptionsEnvelope | null;
}

/** The body of a batch with items, of updates or mixed: 1 to 100 of them. */
export class BatchItemsEnvelope extends BatchEnvelope {
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

/**
 * The options of a batch; those that are left out or null have the contract's defaults.
 *
 * @throws RequestError `invalid_request` for options that contradict each other
 */
export function batchOptions(given: BatchOptionsEnvelope | null | undefined): BatchOptions {
  const onError = given?.on_error ?? DEFAULT_OPTIONS.onError;
  const maxFailures = given?.max_failures ?? undefined;
  if (maxFailures !== undefined && onError !== 'continue') {
    const message = `max_failures cannot be combined with on_error ${onError}: leave one of them out`;
    throw invalidField('.body.options.max_failures', 'exclusive', message);
  }
  return {
    onError,
    return: given?.return ?? DEFAULT_OPTIONS.return,
    dryRun: given?.dry_run ?? DEFAULT_OPTIONS.dryRun,
    maxFailures,
    skipUnchanged: given?.skip_unchanged ?? undefined,
  };
}
