// @module-tag haproxy
// @module-tag redis-server
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '#libs/database';
import { NextVersion } from './next.version';
import { Stage } from './rollout.stage';
import type { Traffic } from './traffic';

const withAndWithoutKeys = [{ keyed: true }, { keyed: true }, { keyed: false }, { keyed: false }];

let stage: Stage;
let next: NextVersion;

beforeAll(async () => {
  next = NextVersion.make();
  stage = await Stage.open();
});

afterAll(async () => {
  await stage.close();
  next.remove();
});

/** Ends a gateway with SIGTERM and starts one in its place, of the next version if a program is given. */
async function replace(index: number, program?: string): Promise<void> {
  const old = stage.gateways[index];
  await old?.drain();
  expect(old?.misdeeds).toEqual([]);
  await stage.start(index, program);
}

/** Not one attempt failed, and everything happened once. */
async function expectNothingLost(traffic: Traffic): Promise<void> {
  const reports = await traffic.stop();
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  expect(await stage.miscounts(reports)).toEqual([]);
}

// In this order, on one database: each is the next step of an upgrade.
describe('under load, no request is lost', { timeout: 120_000 }, () => {
  let traffic: Traffic;

  it('when a new version comes before its migration: it gets no requests until the schema has what it needs', async () => {
    traffic = await stage.traffic(withAndWithoutKeys);
    await traffic.flows();
    await replace(1, next.gateway);
    await stage.balancer.uses(1);
    await traffic.flows();
    expect(await migrate(stage.databaseUrl, next.migrations)).toEqual(['9001_region']);
    await stage.balancer.uses(1, 2);
    await traffic.flows();
    await expectNothingLost(traffic);
  });

  it('when it is rolled back: the version before works on the new schema', async () => {
    traffic = await stage.traffic(withAndWithoutKeys);
    await replace(1);
    await stage.balancer.uses(1, 2);
    await traffic.flows();
    await expectNothingLost(traffic);
  });

  it('when one gateway after the other is replaced, and then taken away what only the version before called', async () => {
    traffic = await stage.traffic(withAndWithoutKeys);
    for (const index of [0, 1]) {
      await replace(index, next.gateway);
      await stage.balancer.uses(1, 2);
      await traffic.flows();
    }
    expect(await migrate(stage.databaseUrl, next.contracted)).toEqual(['9002_contract_region']);
    await traffic.flows();
    await expectNothingLost(traffic);
  });
});
