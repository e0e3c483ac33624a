import { type FieldError, fieldSegment, type ItemErrorCode } from '#libs/problems';

/** What can be wrong with the content of an item. */
type FaultCode = Extract<
  ItemErrorCode,
  'invalid_item' | 'unknown_property' | 'invalid_property' | 'unknown_option' | 'required_property'
>;

/** An item with more than this many faults is reported with so many of them. */
const MAX_FAULTS = 20;

/**
 * Collects what is wrong with one item, each fault with the path of its field. The path is a stack that the checks
 * push to and pop from; it becomes text only when there is a fault.
 */
export class ItemFaults {
  readonly errors: FieldError[] = [];
  /** The code of the first fault; null while there is none. */
  code: ItemErrorCode | null = null;
  private readonly path: (string | number)[] = [];

  /** Enough faults: what follows would not be reported. */
  get full(): boolean {
    return this.errors.length >= MAX_FAULTS;
  }

  enter(key: string | number): void {
    this.path.push(key);
  }

  leave(): void {
    this.path.pop();
  }

  /**
   * Notes a fault of the field the path stands at, or of the one `below` it; `rule` says what of it, such as
   * `must be a number`. Answers null, which is what a check answers for a refused value. Rules must not hold values: they
   * end up in logs.
   */
  refuse(code: FaultCode, rule: string, below?: string): null {
    if (this.full) return null;
    this.code ??= code;
    const field = this.path.map(fieldSegment).join('') + (below === undefined ? '' : fieldSegment(below));
    this.errors.push({ field, code, message: `${field.replace(/^\./, '')} ${rule}` });
    return null;
  }
}
