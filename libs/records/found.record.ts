/** A record as text, ready for the wire. */
export interface FoundRecord {
  etag: string;
  json: string;
}
