// @module-tag redis-server
// @module-tag patroni
// @module-tag etcd
// @module-tag haproxy
import { expect, it } from 'vitest';
import { buildChaos, chaos } from './chaos.run';

it('chaos with servers that Patroni manages loses no acknowledged change', { timeout: 300_000 }, async () => {
  await buildChaos();
  const { code, output, summary } = await chaos('--patroni', '--seconds', '30', '--seed', '4');
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('violations') as string });
  expect(summary).toMatchObject({ violations: 0, figures: { lost: 0, duplicated: 0 } });
  expect(summary?.figures.appliedItems).toBeGreaterThan(100);
});
