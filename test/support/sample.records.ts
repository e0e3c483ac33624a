import type { ObjectType } from '#libs/properties';

/** The content of a record of the object type, with a value in its main property. */
export function sampleOf(object: ObjectType): { default: Record<string, string> } {
  switch (object) {
    case 'comment':
      return { default: { body: 'Hello' } };
    case 'contact':
    case 'identity':
      return { default: { full_name: 'Ada Lovelace' } };
    default:
      return { default: { name: 'Acme' } };
  }
}
