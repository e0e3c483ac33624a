/** The codes of errors with which Redis rejects calls until an operator, a failover or a deletion ends it. */
const CODES = [
  'OOM',
  'READONLY',
  'MISCONF',
  'NOAUTH',
  'WRONGPASS',
  'NOPERM',
  'MOVED',
  'CLUSTERDOWN',
  'CROSSSLOT',
  'MASTERDOWN',
  'NOREPLICAS',
  'LOADING',
  'BUSY',
] as const;
/** Up to version 6, Redis puts text of its own before the error of a command in a script. */
const CODE = new RegExp(`(?:^|: -?|^-)(${CODES.join('|')})\\b`);
/** Errors without a code of their own. */
const WITHOUT_CODE: readonly [RegExp, RedisRejection][] = [
  [/user executing the script can't|ACL failure in script/, 'NOPERM'],
  [/^ERR unknown command/, 'UNKNOWN'],
];

export type RedisRejection = (typeof CODES)[number] | 'UNKNOWN';

/**
 * The reason for which Redis would also reject further calls. Undefined if the error concerns this call only, such as an error
 * in a script.
 *
 * @param message of an error reply
 */
export function rejectionOf(message: string): RedisRejection | undefined {
  const code = CODE.exec(message)?.[1];
  return code === undefined
    ? WITHOUT_CODE.find(([pattern]) => pattern.test(message))?.[1]
    : CODES.find((known) => known === code);
}
