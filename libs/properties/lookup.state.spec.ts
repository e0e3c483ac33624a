import { expect, it } from 'vitest';
import { nextLookupState } from './lookup.state';
import type { Lookup, LookupState, PropertyDefinition } from './property-definition';

it.each<[Lookup, LookupState, Lookup, LookupState]>([
  ['none', null, 'none', null],
  ['none', null, 'indexed', 'building'],
  ['none', null, 'unique', 'building'],
  // Gateways stop storing its values, so its rows may be incomplete.
  ['none', 'removing', 'indexed', 'building'],
  ['none', 'removing', 'none', 'removing'],
  ['indexed', 'building', 'indexed', 'building'],
  ['indexed', 'building', 'unique', 'building'],
  ['unique', 'building', 'indexed', 'building'],
  ['indexed', 'ready', 'unique', 'verifying'],
  ['unique', 'ready', 'unique', 'ready'],
  ['unique', 'ready', 'indexed', 'ready'],
  ['unique', 'verifying', 'unique', 'verifying'],
  ['unique', 'verifying', 'indexed', 'ready'],
  ['unique', 'failed', 'unique', 'verifying'],
  ['unique', 'failed', 'indexed', 'ready'],
  ['unique', 'failed', 'none', 'removing'],
  ['indexed', 'building', 'none', 'removing'],
])('the state of a lookup %s that is %s becomes, by a request for %s, %s', (lookup, lookup_state, asked, expected) => {
  // Nothing else of the definition is read.
  expect(nextLookupState({ lookup, lookup_state } as PropertyDefinition, asked)).toBe(expected);
});
