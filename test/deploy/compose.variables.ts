import { expect } from 'vitest';
/** Replaces each variable of a compose file by a distinct value, like compose. */
export function interpolated(value: string): string {
  return value.replace(/\$\{(\w+)[^}]*\}/g, 'value-of-$1');
}

/** Every service runs without capabilities, on a read-only file system, within limits. */
export const HARDENED = {
  read_only: true,
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  pids_limit: expect.any(Number) as number,
  mem_limit: expect.stringMatching(/^\d+[mg]$/) as string,
};
