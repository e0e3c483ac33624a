import { validate } from 'uuid';
import { AccessError } from './access.error';
import { isKeyId } from './api-key';
import { isScope, SCOPES, type Scope } from './scope';

const MAX_NAME_LENGTH = 200;
// Control, format and surrogate characters and line separators: a name is printed on one line and must read as what it is.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The UUID in lower case. @throws AccessError if it is none */
export function teamIdOf(text: string): string {
  if (!validate(text)) {
    throw new AccessError(
      `a team id must be a UUID, such as 0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1; got '${shown(text)}'`,
    );
  }
  return text.toLowerCase();
}

/** The name itself. @throws AccessError if it is empty, too long, or would not print */
export function nameOf(text: string): string {
  if (text.trim() === '' || text.length > MAX_NAME_LENGTH || UNPRINTABLE.test(text)) {
    throw new AccessError(
      `a name must have 1 to ${MAX_NAME_LENGTH} characters, no control characters among them, and not be blank`,
    );
  }
  return text;
}

/** The scopes of a comma-separated list, without repetition. @throws AccessError if it is empty or holds an unknown one */
export function scopesOf(text: string): Scope[] {
  const names = text.split(',').map((name) => name.trim());
  return SCOPES.filter((scope) => names.map(scopeOf).includes(scope));
}

/** The key id itself. @throws AccessError if it cannot be one */
export function keyIdFrom(text: string): string {
  if (!isKeyId(text)) {
    // The text is not repeated: it may be a whole key, which must not end up in a log.
    throw new AccessError(
      'a key id has 12 letters and digits: the part between the underscores of a key, as in `key list`',
    );
  }
  return text;
}

function scopeOf(name: string): Scope {
  if (!isScope(name)) throw new AccessError(`'${shown(name)}' is no scope; the scopes are ${SCOPES.join(', ')}`);
  return name;
}

function shown(text: string): string {
  return text.replace(new RegExp(UNPRINTABLE, 'gu'), '?').slice(0, 60);
}
