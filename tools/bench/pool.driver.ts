import { readFileSync } from 'node:fs';
import { Pool } from 'pg';
import { sourceFile } from '../../test/support/repository.files';
import type { Load } from './load';
import { idOf, recordCount } from './organizations';
import { latencyOf } from './statistics';

const text = readFileSync(sourceFile('tools/bench/sql/update_pooled.sql'), 'utf8');

/** Updates one record after the other through a pool, like a caller without a gateway. */
export async function drivePool(url: string, teamId: string, seconds: number, signal: AbortSignal): Promise<Load> {
  const pool = new Pool({ connectionString: url, max: 10 });
  // The next query reports a broken connection.
  pool.on('error', () => undefined);
  const samplesMs: number[] = [];
  try {
    const startedAt = performance.now();
    let now = startedAt;
    while (now - startedAt < seconds * 1_000) {
      signal.throwIfAborted();
      const id = idOf(Math.floor(Math.random() * recordCount));
      const change = JSON.stringify({ employees: Math.floor(Math.random() * 100_000), stage: 'won' });
      const { rowCount } = await pool.query({ name: 'update', text, values: [teamId, id, change] });
      if (rowCount !== 1) throw new Error(`an update changed ${rowCount ?? 0} records`);
      const ended = performance.now();
      samplesMs.push(ended - now);
      now = ended;
    }
    return { batches: samplesMs.length, seconds: (now - startedAt) / 1_000, latencyMs: latencyOf(samplesMs) };
  } finally {
    await pool.end();
  }
}
