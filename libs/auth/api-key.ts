import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/*
 * The format of an API key: prism_<key id>_<secret><checksum>
 *
 *   prism     a prefix by which secret scanners detect a leaked key
 *   key id    12 characters, public: it identifies the key in the database, in logs and in the command line
 *   secret    43 characters of base62, which is 256 bits
 *   checksum  CRC-32 of everything before it, 6 characters of base62: a mistyped key is rejected without a lookup
 */
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const KEY_ID_LENGTH = 12;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const KEY_ID = new RegExp(`^[0-9A-Za-z]{${KEY_ID_LENGTH}}$`);
const API_KEY = new RegExp(`^prism_[0-9A-Za-z]{${KEY_ID_LENGTH}}_[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`);
const KEY_ID_START = 'prism_'.length;
const CHECKSUM_START = KEY_ID_START + KEY_ID_LENGTH + 1 + SECRET_LENGTH;

export interface NewApiKey {
  /** The API key. It is shown once and never stored. */
  readonly apiKey: string;
  readonly keyId: string;
  /** Stored instead of the key. */
  readonly hash: Buffer;
}

/** Creates a key from a cryptographic random generator. */
export function createApiKey(): NewApiKey {
  const keyId = randomBase62(KEY_ID_LENGTH);
  const body = `prism_${keyId}_${randomBase62(SECRET_LENGTH)}`;
  const apiKey = body + checksumOf(body);
  return { apiKey, keyId, hash: hashApiKey(apiKey) };
}

/** The key id of a well-formed key with a valid checksum; otherwise undefined. The key need not exist. */
export function keyIdOf(apiKey: string): string | undefined {
  if (!API_KEY.test(apiKey) || checksumOf(apiKey.slice(0, CHECKSUM_START)) !== apiKey.slice(CHECKSUM_START)) {
    return undefined;
  }
  return apiKey.slice(KEY_ID_START, KEY_ID_START + KEY_ID_LENGTH);
}

/** Whether a text has the format of a key id. */
export function isKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

/** SHA-256 of the API key. A slow hash is not needed: 256 random bits cannot be guessed. */
export function hashApiKey(apiKey: string): Buffer {
  return hash('sha256', apiKey, 'buffer');
}

function checksumOf(text: string): string {
  let value = crc32(text);
  let checksum = '';
  while (checksum.length < CHECKSUM_LENGTH) {
    checksum = BASE62.charAt(value % 62) + checksum;
    value = Math.floor(value / 62);
  }
  return checksum;
}

function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // Bytes from 248, the largest multiple of 62, are dropped: otherwise some characters would be more likely.
      if (byte < 248 && text.length < length) text += BASE62.charAt(byte % 62);
    }
  }
  return text;
}
