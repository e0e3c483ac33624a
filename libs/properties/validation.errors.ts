import { type FieldError, fieldSegment, type ItemErrorCode, MAX_FIELD_ERRORS } from '#libs/errors';

/** What can be wrong with the content of an item. */
type ValidationCode = Extract<
  ItemErrorCode,
  'invalid_item' | 'unknown_property' | 'invalid_property' | 'unknown_option' | 'required_property'
>;

/** Characters of a field's path: keys may be long and deeply nested, and each error repeats the path in its message. */
const MAX_PATH_LENGTH = 256;

/**
 * Collects what is wrong with one item, each error with the path of its field. The path is a stack that the checks push
 * to and pop from; it becomes text only when there is an error.
 */
export class ValidationErrors {
  /** At most {@link MAX_FIELD_ERRORS}. */
  readonly list: FieldError[] = [];
  /** The code of the first error; null while there is none. */
  code: ItemErrorCode | null = null;
  private readonly path: (string | number)[] = [];

  /** Whether further errors would not be reported. */
  get full(): boolean {
    return this.list.length >= MAX_FIELD_ERRORS;
  }

  enter(key: string | number): void {
    this.path.push(key);
  }

  leave(): void {
    this.path.pop();
  }

  /**
   * Adds an error of the current field, or of its member `below`. `rule` completes the sentence that the path begins, such
   * as `must be a number`. It must not repeat a value: messages end up in logs.
   *
   * @returns null, which is what a check returns for a refused value
   */
  refuse(code: ValidationCode, rule: string, below?: string): null {
    if (this.full) return null;
    this.code ??= code;
    const field = pathText(below === undefined ? this.path : [...this.path, below]);
    this.list.push({ field, code, message: `${field.replace(/^\./, '')} ${rule}` });
    return null;
  }
}

/** The path as text; cut after the last key that fits. */
function pathText(path: readonly (string | number)[]): string {
  let text = '';
  for (const key of path) {
    const segment = fieldSegment(key);
    if (text.length + segment.length > MAX_PATH_LENGTH) return `${text}…`;
    text += segment;
  }
  return text;
}
