import { afterAll, beforeAll, expect, it } from 'vitest';
import { countImported, startImportTrial } from '../support/import.trial';
import { startGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.close());

it('creates each of 10,000 rows once although its worker is killed ten times', async () => {
  const caller = await gateway.newCaller();
  const trial = await startImportTrial(gateway.databaseUrl, caller, 10_000);
  await trial.killWorker(10);
  expect(await trial.finishedJob()).toMatchObject({ status: 'complete', succeeded: 10_000, failed: 0 });
  expect(await countImported(gateway.database, caller.teamId)).toEqual({ records: 10_000, duplicates: 0, changed: 0 });
  await trial.end();
});
