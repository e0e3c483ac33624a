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

/** Stops a gateway with SIGTERM and starts one in its place, of the next version if its program is given. */
async function replace(index: number, program?: string): Promise<void> {
  const old = environment.gateways[index];
  await old?.drain();
  expect(old?.failures).toEqual([]);
  await environment.start(index, program);
}

/** No attempt failed, and every item was applied once. */
async function expectNothingLost(traffic: Traffic): Promise<void> {
  const reports = await traffic.stop();
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  expect(await environment.miscounts(reports)).toEqual([]);
}

// In this order, on one database: each test is the next step of an upgrade.
describe('no request is lost under load', { timeout: 120_000 }, () => {
  let traffic: Traffic;

  it('when a new version starts before its migration: it gets no requests until the schema is migrated', async () => {
    traffic = await environment.traffic(withAndWithoutKeys);
    await traffic.waitForBatches();
    await replace(1, next.gateway);
    await environment.balancer.waitUntilUsed(1);
    await traffic.waitForBatches();
    const applied = ['9001_region', 'functions/apply_batch_2', 'functions/render_entries'];
    expect(await migrate(environment.databaseUrl, next.schema)).toEqual(applied);
    await environment.balancer.waitUntilUsed(1, 2);
    await traffic.waitForBatches();
    await expectNothingLost(traffic);
  });

  it('when the new version is rolled back: the previous version works on the new schema and does not change it', async () => {
    traffic = await environment.traffic(withAndWithoutKeys);
    expect(await migrate(environment.databaseUrl)).toEqual([]);
    await replace(1);
    await environment.balancer.waitUntilUsed(1, 2);
    await traffic.waitForBatches();
    await expectNothingLost(traffic);
  });

  it('when all gateways are replaced, and the function that only the previous version called is dropped', async () => {
    traffic = await environment.traffic(withAndWithoutKeys);
    for (const index of [0, 1]) {
      await replace(index, next.gateway);
      await environment.balancer.waitUntilUsed(1, 2);
      await traffic.waitForBatches();
    }
    expect(await migrate(environment.databaseUrl, next.contractedSchema)).toEqual(['9002_contract_region']);
    await traffic.waitForBatches();
    await expectNothingLost(traffic);
  });
});
