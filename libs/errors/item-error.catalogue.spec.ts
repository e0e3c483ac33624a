import { expect, it } from 'vitest';
import { ITEM_ERRORS, itemError, ItemErrorCode } from './item-error.catalogue';

const CODES = Object.keys(ITEM_ERRORS) as ItemErrorCode[]; // keys of the catalogue

it('item error codes are the published ones, and five of them are retryable', () => {
  expect(CODES).toEqual([
    'invalid_item',
    'unknown_property',
    'invalid_property',
    'unknown_option',
    'required_property',
    'too_large',
    'not_found',
    'precondition_failed',
    'conflict',
    'multiple_matches',
    'locked',
    'not_attempted',
    'rolled_back',
    'unavailable',
    'outcome_unknown',
    'internal',
  ]);
  const retryable = CODES.filter((code) => itemError(code).retryable);
  expect(retryable).toEqual(['locked', 'not_attempted', 'rolled_back', 'unavailable', 'internal']);
});

it('an item error has the given message or that of the catalogue, and errors only if given', () => {
  expect(itemError('locked')).toEqual({ code: 'locked', message: ITEM_ERRORS.locked.message, retryable: true });
  const errors = [{ field: '.id', code: 'uuid', message: 'id must be a UUID' }];
  expect(itemError('invalid_item', 'id must be a UUID', errors)).toEqual({
    code: 'invalid_item',
    message: 'id must be a UUID',
    retryable: false,
    errors,
  });
});
