import type { Session } from './session';

/** The positions (from 1) of the items that no attempt runs again: they have an outcome, or a mark in the progress row. */
export async function settledItems(session: Session, teamId: string, keyHash?: Buffer): Promise<number[]> {
  const requests = await session.query<{ day: string; id: string; settled: string | null }>(
    `SELECT q.day::text, q.id, p.settled::text AS settled
       FROM idempotency_requests AS q
       LEFT JOIN idempotency_progress AS p ON p.team_id = q.team_id AND p.request_id = q.id
      WHERE q.team_id = $1 AND q.key_hash = COALESCE($2, q.key_hash)`,
    [teamId, keyHash ?? null],
  );
  const items = new Set<number>();
  for (const { day, id, settled } of requests) {
    const rows = await session.query<{ item: number }>(
      `SELECT i.item::integer AS item
         FROM find_outcomes($1, $2, $3) AS o, unnest(o.entries) WITH ORDINALITY AS i (entry, item)
        WHERE i.entry IS NOT NULL
        UNION
       SELECT n + 1 FROM generate_series(0, 8 * length($4::bytea) - 1) AS n WHERE get_bit($4::bytea, n) = 1`,
      [day, teamId, id, settled],
    );
    for (const { item } of rows) items.add(item);
  }
  return [...items].sort((a, b) => a - b);
}
