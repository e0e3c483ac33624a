import type { Lookup, LookupState, PropertyDefinition } from './property-definition';

/**
 * The state of a lookup after a request for `lookup`. To ask again for a unique lookup that has failed verifies its values again.
 */
export function nextLookupState(definition: PropertyDefinition, lookup: Lookup): LookupState {
  const { lookup: present, lookup_state: state } = definition;
  if (lookup === present && !(lookup === 'unique' && state === 'failed')) return state;
  if (lookup === 'none') return 'removing';
  if (present === 'none' || state === 'building') return 'building';
  // Its values are complete.
  return lookup === 'unique' ? 'verifying' : 'ready';
}
