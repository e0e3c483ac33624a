import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ClientLabel } from '#libs/auth';
import { RecordsMetrics } from '#libs/records';
import { Instruments } from '#libs/telemetry';

const RULES = join(__dirname, '../../deploy/prometheus/rules/slo.yml');

it('the service level of items counts the codes that the gateway treats as server errors', async () => {
  const [, alternatives = ''] = /outcome="error", code=~"([^"]+)"/.exec(readFileSync(RULES, 'utf8')) ?? [];
  const instruments = new Instruments();
  new RecordsMetrics(instruments, new ClientLabel({ metricsMaxClients: 1 }));
  const series = [...(await instruments.samples('prism_batch_items_total')).keys()];
  // Single writes initialize only the server errors to 0.
  const started = series.filter(
    (labels) => labels.includes('operation="create"') && labels.includes('outcome="error"'),
  );
  const codes = new Set(started.map((labels) => /code="(\w+)"/.exec(labels)?.[1]));
  expect([...codes].sort()).toEqual(alternatives.split('|').sort());
});
