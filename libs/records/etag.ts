/** A version that no record has. */
const NO_VERSION = '-1';

// 18 digits always fit into a bigint.
const VERSION = /^[1-9]\d{0,17}$/;
const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** The version that a record must have; undefined if it must only exist. */
export type Condition = { version?: string } | 'malformed';

/**
 * Parses one entity tag (RFC 9110, 8.8.3) or `*`. A weak tag, or a tag that is not in the format of an etag of a record, matches no
 * record.
 */
export function conditionOf(tag: string): Condition {
  if (tag === '*') return {};
  const match = ENTITY_TAG.exec(tag);
  if (!match) return 'malformed';
  const [, weak, opaque = ''] = match;
  return { version: weak === undefined && VERSION.test(opaque) ? opaque : NO_VERSION };
}
