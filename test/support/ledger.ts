import type { Session } from './session';

/** The positions (from 1) of the items that no attempt runs again: they have an outcome, or a mark in the progress row. */
export async function settledItems(session: Session, teamId: string, keyHash?: Buffer): Promise<number[]> {
  const rows = await session.query<{ item: number }>(
    `SELECT i.item::integer AS item
       FROM idempotency_requests AS q, find_outcomes(q.day, q.team_id, q.id) AS o,
            unnest(o.entries) WITH ORDINALITY AS i (entry, item)
      WHERE q.team_id = $1 AND q.key_hash = COALESCE($2, q.key_hash) AND i.entry IS NOT NULL
      UNION
     SELECT n + 1
       FROM idempotency_requests AS q JOIN idempotency_progress AS p ON p.team_id = q.team_id AND p.request_id = q.id,
            generate_series(0, 8 * length(p.settled) - 1) AS n
      WHERE q.team_id = $1 AND q.key_hash = COALESCE($2, q.key_hash) AND get_bit(p.settled, n) = 1
      ORDER BY item`,
    [teamId, keyHash ?? null],
  );
  return rows.map(({ item }) => item);
}
