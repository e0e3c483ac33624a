/** A version that no record has: the condition can only fail. */
const never = '-1';

// 18 digits always fit a bigint.
const version = /^[1-9]\d{0,17}$/;
const entityTag = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** A condition on a record: the version it must have, or undefined for "any, so long as it is there". */
export type Condition = { version?: string } | 'malformed';

/**
 * Reads one entity tag (RFC 9110, 8.8.3) or `*`. A weak tag, or a well-formed one that is not ours, matches no record.
 */
export function conditionOf(tag: string): Condition {
  if (tag === '*') return {};
  const match = entityTag.exec(tag);
  if (!match) return 'malformed';
  const [, weak, opaque = ''] = match;
  return { version: weak === undefined && version.test(opaque) ? opaque : never };
}
