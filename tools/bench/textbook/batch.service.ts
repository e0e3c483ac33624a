import { Inject, Injectable } from '@nestjs/common';
import { Pool, type PoolClient } from 'pg';
import type { ItemDto } from './batch.dto';

interface Row {
  id: string;
  properties: Record<string, unknown>;
  list: Record<string, unknown>;
  version: string;
  created_at: Date;
  updated_at: Date;
}

export type Result =
  { id: string; status: 'ok'; etag: string; record: object } | { id: string; status: 'error'; error: { code: string } };

@Injectable()
export class BatchService {
  constructor(@Inject(Pool) private readonly pool: Pool) {}

  /** Applies one item after another. */
  async updateSequentially(team: string, object: string, items: readonly ItemDto[]): Promise<Result[]> {
    const results: Result[] = [];
    for (const item of items) results.push(await this.update(team, object, item));
    return results;
  }

  /** Applies as many items at once as the pool has connections. */
  updateConcurrently(team: string, object: string, items: readonly ItemDto[]): Promise<Result[]> {
    return Promise.all(items.map((item) => this.update(team, object, item)));
  }

  private async update(team: string, object: string, item: ItemDto): Promise<Result> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const result = await this.apply(client, team, object, item);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  private async apply(client: PoolClient, team: string, object: string, item: ItemDto): Promise<Result> {
    const found = await client.query<Row>(
      'SELECT * FROM records WHERE team_id = $1 AND id = $2 AND object_type = $3 AND deleted_at IS NULL FOR UPDATE',
      [team, item.id, object],
    );
    const [record] = found.rows;
    if (record === undefined) return { id: item.id, status: 'error', error: { code: 'not_found' } };
    const updated = await client.query<Row>(
      'UPDATE records SET properties = $3, version = version + 1, updated_at = now() WHERE team_id = $1 AND id = $2 RETURNING *',
      [team, item.id, Object.assign(record.properties, item.default)],
    );
    const [{ id, properties, list, version, created_at, updated_at } = record] = updated.rows;
    return {
      id,
      status: 'ok',
      etag: `"${version}"`,
      record: { id, default: { ...properties, created_at, updated_at }, list },
    };
  }
}
