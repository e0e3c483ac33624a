import { validate } from 'uuid';
import { AccessError } from './access.error';
import { isKeyId } from '../api-key';
import { isScope, SCOPES, type Scope } from '../scope';

const MAX_NAME_LENGTH = 200;
// Control, format, surrogate and line separator characters: a name is printed on one line, and must not look like another.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The team id in lower case. @throws AccessError if the text is not a UUID */
export function parseTeamId(text: string): string {
  if (!validate(text)) {
    throw new AccessError(
      `a team id must be a UUID, such as 0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1; got '${printable(text)}'`,
    );
  }
  return text.toLowerCase();
}

/** The name, unchanged. @throws AccessError if it is blank, too long, or has unprintable characters */
export function parseName(text: string): string {
  if (text.trim() === '' || text.length > MAX_NAME_LENGTH || UNPRINTABLE.test(text)) {
    throw new AccessError(
      `a name must have 1 to ${MAX_NAME_LENGTH} characters, must not be blank, and must not contain control characters`,
    );
  }
  return text;
}

/** The scopes of a comma-separated list, each once. @throws AccessError if the list is empty or has an unknown scope */
export function parseScopes(text: string): Scope[] {
  const names = text.split(',').map((name) => name.trim());
  return SCOPES.filter((scope) => names.map(parseScope).includes(scope));
}

/** The key id, unchanged. @throws AccessError if the text does not have its form */
export function parseKeyId(text: string): string {
  if (!isKeyId(text)) {
    // The message does not repeat the text: it may be a whole key, which must not appear in a log.
    throw new AccessError(
      'a key id has 12 letters and digits: the part between the underscores of a key, as in `key list`',
    );
  }
  return text;
}

function parseScope(name: string): Scope {
  if (!isScope(name)) throw new AccessError(`'${printable(name)}' is not a scope; the scopes are ${SCOPES.join(', ')}`);
  return name;
}

function printable(text: string): string {
  return text.replace(new RegExp(UNPRINTABLE, 'gu'), '?').slice(0, 60);
}
