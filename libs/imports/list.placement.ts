import { isObject } from '#libs/json';
import type { PropertyDefinition } from '#libs/properties';

/** The properties of the list that rows are imported into. */
export class ListPlacement {
  private readonly ofObjectType: ReadonlySet<string>;
  private readonly ofList: ReadonlySet<string>;

  /** @param listId a UUID in lower case @param definitions of the object type and its lists */
  constructor(
    private readonly listId: string,
    definitions: readonly PropertyDefinition[],
  ) {
    const slugsOf = (list: string | null): Set<string> =>
      new Set(definitions.filter(({ list_id }) => list_id === list).map(({ slug }) => slug));
    this.ofObjectType = slugsOf(null);
    this.ofList = slugsOf(listId);
  }

  /**
   * Moves properties of the list from `default` to its block in `list`, unless the object type has a property of that name or the
   * block has a value already.
   */
  place(row: Record<string, unknown>): Record<string, unknown> {
    const { default: given, list = {} } = row;
    if (!isObject(given) || !isObject(list)) return row;
    const isMoved = (slug: string): boolean => this.ofList.has(slug) && !this.ofObjectType.has(slug);
    const moved = Object.keys(given).filter(isMoved);
    if (moved.length === 0) return row;
    const key = Object.keys(list).find((id) => id.toLowerCase() === this.listId) ?? this.listId;
    const block = list[key] ?? {};
    if (!isObject(block)) return row;
    const entries = Object.entries(given);
    return {
      ...row,
      default: Object.fromEntries(entries.filter(([slug]) => !isMoved(slug))),
      list: { ...list, [key]: { ...Object.fromEntries(entries.filter(([slug]) => isMoved(slug))), ...block } },
    };
  }
}
