/** Every type of record there is, as the wire names it. One implementation serves them all. */
export const objectTypes = [
  'organization',
  'contact',
  'identity',
  'deal',
  'action',
  'document',
  'engagement',
  'event',
  'comment',
] as const;

export type ObjectType = (typeof objectTypes)[number];

const known: ReadonlySet<string> = new Set(objectTypes);

export function isObjectType(text: string): text is ObjectType {
  return known.has(text);
}
