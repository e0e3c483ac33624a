import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Attack } from '../../tools/abuse/attack';
import { attacks } from '../../tools/abuse/attack.catalogue';
import { AttackTarget } from '../../tools/abuse/attack.target';
import { Victim } from '../../tools/abuse/victim';
import { type HostileEnvironment, openHostileEnvironment } from './hostile.environment';

/** Requests of the victim after the round, while connections of the attacker are still open. */
const REQUESTS_AFTERWARDS = 20;
/** Longer than any response under attack; `npm run abuse` measures latency. */
const ATTACK_MS = 60_000;

/** One round of each takes several seconds. */
const SLOW: readonly string[] = [
  'response-amplification',
  'unknown-keys',
  'unread-responses',
  'expensive-bodies',
  'large-bodies',
  'ledger-size',
  'receipts',
  'pipelined-requests',
  'import-errors',
  'compressed-records',
  'property-definitions',
];

/** The attacks that `npm test` makes. */
export const quickAttacks = attacks.filter(({ name }) => !SLOW.includes(name));
/** The attacks that only `npm run test:long` makes. */
export const slowAttacks = attacks.filter(({ name }) => SLOW.includes(name));

let environment: HostileEnvironment;

/** Defines a test for each attack: one round of it, with counts instead of times. */
export function testAttacks(tested: readonly Attack[]): void {
  beforeAll(async () => {
    environment = await openHostileEnvironment();
  });

  beforeEach(async () => {
    await environment.renew();
    await environment.replaceParties();
  });

  afterAll(() => environment.close());

  it.for(tested)(
    '$name: one client $summary, and the gateway keeps serving all others and holds no resource afterwards',
    { timeout: ATTACK_MS },
    async (attack, { signal, onTestFailed }) => {
      const { gateway, parties } = environment;
      // The effect of this attack must not fail the next test.
      onTestFailed(() => gateway.service.stop());
      const stop = new AbortController();
      signal.addEventListener('abort', () => {
        stop.abort();
      });
      const target = new AttackTarget(gateway.url, parties.attacker, stop.signal);
      const victim = new Victim(gateway.url, parties.victim);
      try {
        const round = await attack.prepare(target);
        const progress = { attacking: true };
        const attackIsOver = round().finally(() => (progress.attacking = false));
        const statuses: Record<string, number> = {};
        for (let n = 0, left = REQUESTS_AFTERWARDS; left > 0 && gateway.service.unexpectedExit === undefined; n++) {
          const status = await victim.send(n);
          statuses[status] = (statuses[status] ?? 0) + 1;
          if (!progress.attacking) left--;
        }
        stop.abort();
        await attackIsOver;
        expect(gateway.service.unexpectedExit, 'how the gateway ended').toBeUndefined();
        expect(Object.keys(statuses), JSON.stringify(statuses)).toEqual(['200']);
        expect(await gateway.held(AbortSignal.timeout(ATTACK_MS))).toEqual({});
      } finally {
        stop.abort();
        await victim.close();
      }
    },
  );
}
