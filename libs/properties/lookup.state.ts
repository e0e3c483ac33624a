import type { Lookup, LookupState, PropertyDefinition } from './property-definition';

/**
 * The state of a lookup after a request has set it to `lookup`. Setting a failed unique lookup to `unique` verifies its values again.
 */
export function nextLookupState(definition: PropertyDefinition, lookup: Lookup): LookupState {
  const { lookup: current, lookup_state: state } = definition;
  if (lookup === current && !(lookup === 'unique' && state === 'failed')) return state;
  if (lookup === 'none') return 'removing';
  if (current === 'none' || state === 'building') return 'building';
  // Its values are complete.
  return lookup === 'unique' ? 'verifying' : 'ready';
}
