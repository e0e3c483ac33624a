import type { Attack } from './attack';
import * as computation from './attacks/computation.attacks';
import * as outage from './attacks/outage.attacks';
import * as exhaustion from './attacks/exhaustion.attacks';
import * as stored from './attacks/stored.attacks';

/** Every attack, in the order in which they run. */
export const attacks: readonly Attack[] = [
  ...Object.values(outage),
  ...Object.values(exhaustion),
  ...Object.values(computation),
  ...Object.values(stored),
];

/** @throws Error if there is none of this name */
export function attackNamed(name: string): Attack {
  const attack = attacks.find((each) => each.name === name);
  if (attack === undefined) {
    throw new Error(`no attack is named ${name}: choose one of ${attacks.map((each) => each.name).join(', ')}`);
  }
  return attack;
}
