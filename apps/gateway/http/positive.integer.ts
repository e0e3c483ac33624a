/** Whether a text of a request is a whole number above 0. Leading zeros are accepted. */
export function isPositiveInteger(text: string): boolean {
  return /^0*[1-9]\d*$/.test(text);
}
