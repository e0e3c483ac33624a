import type { Principal } from '#libs/auth';
import { invalidField, RequestError } from '#libs/errors';
import { type ImportOptions, ListPlacement } from '#libs/imports';
import { isObject, parseUuid } from '#libs/json';
import { isIndexed, type MissingOptions, type PropertyDefinition } from '#libs/properties';
import type { ImportOptionsEnvelope } from './import.envelope';

/**
 * Checks the scope that the options of an import need besides that of the route.
 *
 * @param body not validated: a replay, whose body is not read again, needs the scope as well
 * @throws RequestError `forbidden`
 */
export function checkScopes(body: unknown, { scopes }: Principal): void {
  const options = isObject(body) ? body.options : undefined;
  if (!isObject(options) || options.create_missing_options !== true || scopes.has('schema:write')) return;
  throw new RequestError('forbidden');
}

/**
 * The options of an import.
 *
 * @param definitions of the object type
 * @param missing plans the options of select properties that do not exist
 * @throws RequestError `invalid_request` that names the option
 */
export function importOptionsOf(
  given: ImportOptionsEnvelope | null | undefined,
  definitions: readonly PropertyDefinition[],
  missing: MissingOptions | undefined,
): ImportOptions {
  const dedupe = dedupeOf(given, definitions);
  const updateExisting = given?.update_existing === true;
  if (updateExisting && dedupe === undefined) {
    throw invalidOption(
      'update_existing',
      'required',
      'update_existing needs dedupe_by: without it, no row matches a record',
    );
  }
  return { dedupe, updateExisting, list: listOf(given, definitions), missing };
}

function dedupeOf(
  given: ImportOptionsEnvelope | null | undefined,
  definitions: readonly PropertyDefinition[],
): ImportOptions['dedupe'] {
  const slug = given?.dedupe_by ?? undefined;
  if (slug === undefined) return undefined;
  const definition = definitions.find((one) => one.slug === slug && one.list_id === null);
  if (definition === undefined) {
    throw invalidOption(
      'dedupe_by',
      'unknown_property',
      `the object type has no property ${slug.slice(0, 64).toWellFormed()}`,
    );
  }
  // Without one, no write of another request takes the lock on the value, and each row would read all records.
  if (definition.locked || !isIndexed(definition)) {
    const message = `dedupe_by must be a property with a lookup that is built: set lookup of ${slug} to indexed or unique`;
    throw invalidOption('dedupe_by', 'lookup_required', message);
  }
  return { definition, fold: given?.caseInsensitive !== false };
}

function listOf(
  given: ImportOptionsEnvelope | null | undefined,
  definitions: readonly PropertyDefinition[],
): ListPlacement | undefined {
  const text = given?.list_id ?? undefined;
  if (text === undefined) return undefined;
  const listId = parseUuid(text);
  if (listId === undefined) throw invalidOption('list_id', 'uuid', 'list_id must be a UUID');
  return new ListPlacement(listId, definitions);
}

function invalidOption(option: string, code: string, message: string): RequestError {
  return invalidField(`.body.options.${option}`, code, message);
}
