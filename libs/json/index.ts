export { isExactNumber } from './exact.number';
export { isObject, type Json } from './json.value';
export { parseUuid } from './uuid';
