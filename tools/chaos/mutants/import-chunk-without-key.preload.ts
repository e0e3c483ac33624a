import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { RecordRepository } from '#libs/records';

/* A worker that applies the chunks of imports without their keys in the ledger. */
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the `this` that its replacement is called with
const { apply } = RecordRepository.prototype;

/** Simulates a busy machine, so that the time between a chunk and its results is long enough for a kill to hit it. */
const slowMs = 120;

RecordRepository.prototype.apply = async function (this: RecordRepository, plan, options) {
  const { key, ...keyless } = options;
  if (plan.operation !== 'import') return apply.call(this, plan, options);
  const applied = await apply.call(this, plan, keyless);
  await sleep(slowMs);
  return { ...applied, completedBy: key?.requestId };
};
