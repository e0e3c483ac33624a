// @module-tag haproxy
// @module-tag redis-server
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '#libs/database';
import { NextVersion } from './next.version';
import { RolloutEnvironment } from './rollout.environment';
import type { Traffic } from './traffic';

const withAndWithoutKeys = [{ keyed: true }, { keyed: true }, { keyed: false }, { keyed: false }];

let environment: RolloutEnvironment;
let next: NextVersion;

beforeAll(async () => {
  next = NextVersion.make();
  environment = await RolloutEnvironment.open();
});

afterAll(async () => {
  await environment.close();
  next.remove();
});

/** Ends a gateway with SIGTERM and starts one in its place, of the next version if a program is given. */
async function replace(index: number, program?: string): Promise<void> {
  const old = environment.gateways[index];
  await old?.drain();
  expect(old?.misdeeds).toEqual([]);
  await environment.start(index, program);
}

/** Not one attempt failed, and everything happened once. */
async function expectNothingLost(traffic: Traffic): Promise<void> {
  const reports = await traffic.stop();
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  expect(await environment.miscounts(reports)).toEqual([]);
}

// In this order, on one database: each is the next step of an upgrade.
describe('under load, no request is lost', { timeout: 120_000 }, () => {
  let traffic: Traffic;

  it('when a new version comes before its migration: it gets no requests until the schema has what it needs', async () => {
    traffic = await environment.traffic(withAndWithoutKeys);
    await traffic.flows();
    await replace(1, next.gateway);
    await environment.balancer.uses(1);
    await traffic.flows();
    expect(await migrate(environment.databaseUrl, next.migrations)).toEqual(['9001_region']);
    await environment.balancer.uses(1, 2);
    await traffic.flows();
    await expectNothingLost(traffic);
  });

  it('when it is rolled back: the version before works on the new schema', async () => {
    traffic = await environment.traffic(withAndWithoutKeys);
    await replace(1);
    await environment.balancer.uses(1, 2);
    await traffic.flows();
    await expectNothingLost(traffic);
  });

  it('when one gateway after the other is replaced, and then taken away what only the version before called', async () => {
    traffic = await environment.traffic(withAndWithoutKeys);
    for (const index of [0, 1]) {
      await replace(index, next.gateway);
      await environment.balancer.uses(1, 2);
      await traffic.flows();
    }
    expect(await migrate(environment.databaseUrl, next.contracted)).toEqual(['9002_contract_region']);
    await traffic.flows();
    await expectNothingLost(traffic);
  });
});
