export { type FieldError, fieldSegment, MAX_FIELD_ERRORS } from './field.error';
export { ITEM_ERRORS, itemError } from './item-error.catalogue';
export type { ItemError, ItemErrorCode, ItemErrorKind } from './item-error.catalogue';
export { errorResponse, MAX_RETRY_AFTER_SECONDS } from './error.response';
export { REQUEST_ERRORS } from './request-error.catalogue';
export type { RequestErrorCode, RequestErrorKind } from './request-error.catalogue';
export { invalidField, RequestError, type RequestErrorOptions } from './request.error';
export { ErrorFilter, sendError } from './error.filter';
export { toRequestError } from './error.mapping';
