import { LRUCache } from 'lru-cache';
import type { Statement } from '#libs/database';

/** A text gets a name when it is used this many times. */
const USES = 3;
/** Each connection keeps every named statement and a plan of it, of up to 100 KB, as long as it lives. */
const MAX_NAMES = 32;
/** Texts that are counted. */
const MAX_TEXTS = 500;
/** A longer text, such as one with hundreds of conditions, is rarely sent again. */
const MAX_LENGTH = 8_192;

/**
 * Names statements of queries that repeat, so that every connection parses them once. A name is never given to
 * another text. All other statements have no name, and connections keep nothing of them.
 */
export class StatementNames {
  private readonly texts = new LRUCache<string, { uses: number; statement?: Statement }>({ max: MAX_TEXTS });
  private names = 0;

  statementOf(text: string): Statement | string {
    if (text.length > MAX_LENGTH) return text;
    const known = this.texts.get(text) ?? { uses: 0 };
    if (known.statement !== undefined) return known.statement;
    known.uses += 1;
    this.texts.set(text, known);
    if (known.uses < USES || this.names === MAX_NAMES) return text;
    this.names += 1;
    known.statement = { name: `query_${this.names}`, text };
    return known.statement;
  }
}
