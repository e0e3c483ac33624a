import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HostileEnvironment, openHostileEnvironment } from '../hostile.environment';
import { type FuzzResult, FuzzRun } from './fuzz.run';
import type { Caller } from './request.generator';

/** The seed of every run unless `FUZZ_SEED` is set. The same seed generates the same requests. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_251_125);
/** Long enough for the long variant on a busy machine. */
const SUITE_MS = 1_000_000;
const SHOWN_FAILURES = 10;

/** Defines the tests that send generated requests to a gateway. @param counts the number of requests by kind */
export function defineFuzzSuite(counts: { bodies: number; raw: number }): void {
  let environment: HostileEnvironment;
  let caller: Caller;

  beforeAll(async () => {
    // The minimum, so that incomplete requests get their response before the run reports them as hanging.
    environment = await openHostileEnvironment({ REQUEST_TIMEOUT_MS: '10000' });
    const { teamId, apiKeys, recordIds } = environment.parties.attacker;
    caller = { teamId, apiKey: apiKeys[0], recordIds };
  });

  beforeEach(() => environment.renew());

  afterAll(() => environment.close());

  /** Assertions for all generated requests. */
  async function check({ requests, statuses, failures }: FuzzResult, expected: number): Promise<void> {
    const { signal } = new AbortController();
    const { gateway } = environment;
    const summary = `seed ${SEED}: ${requests} requests: ${JSON.stringify(statuses)}`;
    expect(gateway.service.unexpectedExit, `${summary}; how the gateway ended`).toBeUndefined();
    expect(failures.slice(0, SHOWN_FAILURES), `${failures.length} failures; ${summary}`).toEqual([]);
    expect(requests).toBe(expected);
    expect(await gateway.held(signal), summary).toEqual({});
    const stallMs = await gateway.longestStallMs(signal);
    process.stderr.write(`${summary}; longest event-loop stall ${stallMs.toFixed(0)} ms\n`);
  }

  /** Reports the end of the gateway if that is why requests failed. */
  async function run(send: (fuzz: FuzzRun) => Promise<FuzzResult>): Promise<FuzzResult> {
    const { url, service } = environment.gateway;
    try {
      return await send(new FuzzRun(url, caller, SEED));
    } catch (error) {
      throw service.unexpectedExit === undefined
        ? error
        : new Error(`seed ${SEED}: the gateway ${service.unexpectedExit}`, { cause: error });
    }
  }

  describe('generated requests get no 5xx and never hang, and the gateway keeps running and holds no resource afterwards', () => {
    it(
      `${counts.bodies} bodies`,
      async () => {
        const result = await run((fuzz) => fuzz.bodies(counts.bodies));
        await check(result, counts.bodies);
        expect(result.statuses, 'some of them are valid').toHaveProperty('200');
      },
      SUITE_MS,
    );

    it(
      `${counts.raw} raw requests`,
      async () => {
        await check(await run((fuzz) => fuzz.raw(counts.raw)), counts.raw);
      },
      SUITE_MS,
    );
  });
}
