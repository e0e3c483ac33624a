import { randomUUID } from 'node:crypto';
import type { Attack } from '../attack';
import type { AttackTarget } from '../attack.target';
import { call } from './preparation';

/** Postgres stores 500 KB of equal numbers in some 400 bytes. */
const EQUAL_NUMBERS = 1_590;

/** Records that are far larger in a response than they are stored. */
export const compressedRecords: Attack = {
  name: 'compressed-records',
  summary: 'renames a record that Postgres stores compressed 100 times in a batch, with a key and without, 4 at once',
  async prepare(target) {
    const numbers = { n: Array<number>(EQUAL_NUMBERS).fill(Number.MIN_VALUE) };
    const { status, body } = await call(target, 'POST', 'organization', { default: { name: 'A' }, extended: numbers });
    if (status !== 201) throw new Error(`the record of the attack was not created: ${status}`);
    const { id } = JSON.parse(body) as { id: string }; // a record of the API
    const batch = (headers: Record<string, string> = {}): Buffer => {
      const items = Array.from({ length: 100 }, (_, n) => ({ id, default: { name: `A ${n}` } }));
      return target.batch({ items }, headers);
    };
    return () => target.exchange(4, (n) => [batch(n % 2 === 0 ? {} : { 'idempotency-key': randomUUID() })]);
  },
};

/** More properties than a gateway may accept, each with the maximum number of options. */
const MAX_PROPERTIES = 200;
const OPTIONS = 500;

/** As many definitions as the gateway accepts, which it then loads again and again. */
export const propertyDefinitions: Attack = {
  name: 'property-definitions',
  summary:
    'defines all properties and options that it can, and reads them from 6 connections while 2 others change them',
  async prepare(target) {
    const id = await defineProperties(target);
    const path = `organization/properties/${id}`;
    const read = target.request({ method: 'GET', path: target.path('properties') });
    const send = (method: string, rest: string, body: object): Buffer =>
      target.request({ method, path: target.path(rest), body: JSON.stringify(body) });
    const changes = (): Buffer[] => [
      send('PATCH', path, { name: randomUUID() }),
      send('POST', `${path}/options`, { value: randomUUID() }),
      send('POST', 'organization/properties', largeProperty()),
    ];
    return () => target.exchange(8, (n) => (n < 6 ? [read, read] : changes()));
  },
};

/** @returns the id of one of the properties */
async function defineProperties(target: AttackTarget): Promise<string> {
  const { status, body } = await call(target, 'POST', 'organization/properties', {
    type: 'select_str',
    name: randomUUID(),
  });
  if (status !== 201) throw new Error(`the property of the attack was not created: ${status}`);
  for (let n = 0; n < MAX_PROPERTIES; n++) {
    const created = await call(target, 'POST', 'organization/properties', largeProperty());
    if (created.status === 409) break;
    if (created.status !== 201) throw new Error(`a property of the attack was not created: ${created.status}`);
  }
  return (JSON.parse(body) as { id: string }).id; // a definition of the API
}

function largeProperty(): object {
  const options = Array.from({ length: OPTIONS }, (_, n) => ({
    slug: `o${n}_`.padEnd(64, 'o'),
    value: `O ${n} `.padEnd(255, 'o'),
  }));
  return { type: 'select_str', name: randomUUID(), options };
}
