import type { Lookup, PropertyDefinition, PropertyOption, PropertyType } from './property-definition';

/** The maximum number of options of a property. */
export const MAX_OPTIONS = 500;
/** The maximum length of the display name of a property or option, in UTF-16 code units. */
export const MAX_NAME_LENGTH = 255;

export interface NewOption {
  /** Undefined: it derives from the value. */
  readonly slug?: string | undefined;
  readonly value: string;
  /** Its place among the options; undefined: the last. */
  readonly position?: number | undefined;
}

export interface NewProperty {
  /** Undefined: it derives from the name. */
  readonly slug?: string | undefined;
  readonly type: PropertyType;
  readonly name: string;
  readonly required: boolean;
  readonly lookup: Lookup;
  readonly listId: string | null;
  readonly options: readonly NewOption[];
}

/** What a request says about the definition or option besides its changes. It must equal the current state. Undefined: not checked. */
export interface Expected {
  readonly type?: string | undefined;
  readonly slug?: string | undefined;
  readonly listId?: string | null | undefined;
}

export interface PropertyPatch {
  readonly name?: string | undefined;
  readonly required?: boolean | undefined;
  readonly lookup?: Lookup | undefined;
}

export interface OptionPatch {
  readonly value?: string | undefined;
  readonly position?: number | undefined;
}

/** A change of the rows of a team. */
export type SchemaWrite =
  | { readonly op: 'insert_definition'; readonly definition: PropertyDefinition }
  | { readonly op: 'update_definition'; readonly definition: PropertyDefinition; readonly isLookupChanged: boolean }
  | { readonly op: 'delete_definition'; readonly id: string }
  | {
      readonly op: 'insert_option';
      readonly propertyId: string;
      readonly option: PropertyOption;
      readonly position: number | undefined;
    }
  | {
      readonly op: 'update_option';
      readonly propertyId: string;
      readonly option: PropertyOption;
      readonly position: number | undefined;
    }
  | { readonly op: 'delete_option'; readonly propertyId: string; readonly id: string };

/** The planned change of a request, or why it is rejected. A retry with the same key gets the same outcome, also an error. */
export type SchemaChange<R = unknown> =
  | { readonly status: 'ok'; readonly id: string; readonly result: R; readonly write: SchemaWrite | undefined }
  | { readonly status: 'error'; readonly code: 'not_found' | 'conflict'; readonly message: string };

/** A change that is rejected, as an outcome. */
export type SchemaChangeError = Extract<SchemaChange, { status: 'error' }>;

/** The property or option to delete, for the check whether records use it. */
export interface Deletion {
  readonly definition: PropertyDefinition;
  /** Undefined: the whole property. */
  readonly option: PropertyOption | undefined;
}
