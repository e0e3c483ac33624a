import { type FieldError, fieldSegment, type ItemErrorCode, MAX_FIELD_ERRORS } from '#libs/errors';
import { SlugSuggestions } from './slug.suggestion';

/** The codes of errors in the content of an item. */
type ValidationCode = Extract<
  ItemErrorCode,
  'invalid_item' | 'unknown_property' | 'invalid_property' | 'unknown_option' | 'required_property'
>;

/** The maximum length of a field's path: keys can be long and deeply nested, and each message repeats the path. */
const MAX_PATH_LENGTH = 256;

/**
 * Collects the errors of one item, each with the path of its field. The checks push keys to the path and pop them; the path
 * becomes text only if there is an error.
 */
export class ValidationErrors {
  /** At most {@link MAX_FIELD_ERRORS}. */
  readonly list: FieldError[] = [];
  /** The code of the first error; null while there is none. */
  code: ItemErrorCode | null = null;
  private readonly path: (string | number)[] = [];

  /** @param suggestions those of the request, for unknown slugs */
  constructor(readonly suggestions = new SlugSuggestions()) {}

  /** Whether further errors are dropped. */
  get full(): boolean {
    return this.list.length >= MAX_FIELD_ERRORS;
  }

  /** The path of the current field. */
  get field(): string {
    return pathText(this.path);
  }

  enter(key: string | number): void {
    this.path.push(key);
  }

  leave(): void {
    this.path.pop();
  }

  /**
   * Adds an error of the current field, or of its member `below`. The message is the path followed by `rule`, such as
   * `must be a number`. The rule must not contain a value of the item: messages are logged.
   *
   * @returns null, the result of a check that rejects a value
   */
  add(code: ValidationCode, rule: string, below?: string): null {
    if (this.full) return null;
    this.code ??= code;
    const field = pathText(below === undefined ? this.path : [...this.path, below]);
    this.list.push({ field, code, message: `${field.replace(/^\./, '')} ${rule}` });
    return null;
  }
}

/** The path as text, truncated after the last key that fits. */
function pathText(path: readonly (string | number)[]): string {
  let text = '';
  for (const key of path) {
    const segment = fieldSegment(key);
    if (text.length + segment.length > MAX_PATH_LENGTH) return `${text}…`;
    text += segment;
  }
  return text;
}
