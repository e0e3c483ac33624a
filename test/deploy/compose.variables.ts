/** Replaces each variable of a compose file by a distinct value, like compose. */
export function interpolated(value: string): string {
  return value.replace(/\$\{(\w+)[^}]*\}/g, 'value-of-$1');
}
