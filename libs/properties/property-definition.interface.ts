import { PropertyType } from './property-type.constants';

/** A choice of a select property. Written as `slug` or `id`, read as `slug`; `value` is what a person sees. */
export interface PropertyOption {
  readonly id: string;
  readonly slug: string;
  readonly value: string;
}

/** What a team knows about one property of an object type, as the wire has it. */
export interface PropertyDefinition {
  readonly id: string;
  /** The key under which records hold the value. */
  readonly slug: string;
  readonly type: PropertyType;
  /**
   * The type in the database, if this release does not know it. Such a property is a read-only `jsonb` here: its values are
   * read as they are, and writes are refused. Not on the wire.
   */
  readonly unsupportedType?: string;
  readonly name: string;
  /** A record must have it: it cannot be left out on create, nor cleared. */
  readonly required: boolean;
  /** Built in, and the same for every team. */
  readonly native: boolean;
  /** Read-only: the gateway writes it, callers do not. */
  readonly locked: boolean;
  /** The list whose block holds the property; null if `default` does. */
  readonly list_id: string | null;
  readonly options: readonly PropertyOption[];
}
