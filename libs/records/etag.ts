/** No record has this etag: it contains a quote. */
const MATCHES_NONE = '"';

const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;

/** The etag that a record must have, without its quotes; no `etag` if the record must only exist. */
export type EtagCondition = { etag?: string } | 'malformed';

/**
 * Parses one entity tag (RFC 9110, 8.8.3) or `*`. A weak tag matches no record. Only the database knows the etags of records
 * (record_etag).
 */
export function etagConditionOf(tag: string): EtagCondition {
  if (tag === '*') return {};
  const match = ENTITY_TAG.exec(tag);
  if (!match) return 'malformed';
  const [, weak, opaque = ''] = match;
  return { etag: weak === undefined ? opaque : MATCHES_NONE };
}
