import { randomUUID } from 'node:crypto';
import type { Lookup, LookupKind } from '#libs/properties';
import type { Session } from './session';

/** A property with a lookup. */
export interface LookupProperty {
  readonly id: string;
  readonly slug: string;
  readonly objectType: string;
  readonly kind: LookupKind;
}

const TYPES: Readonly<Record<LookupKind, string>> = { text: 'str', number: 'num', date: 'date' };

/** Defines a property of a team. A gateway knows it when its definitions are older than 5 s, or at the first request of the team. */
export async function defineProperty(
  session: Session,
  teamId: string,
  { slug = 'external_id', objectType = 'organization', kind = 'text' }: Partial<Omit<LookupProperty, 'id'>> = {},
): Promise<LookupProperty> {
  const id = randomUUID();
  await session.query("INSERT INTO teams (id, name) VALUES ($1, 'A team') ON CONFLICT DO NOTHING", [teamId]);
  await session.query(
    'INSERT INTO property_definitions (team_id, object_type, id, slug, type, name) VALUES ($1, $2, $3, $4, $5, $4::text)',
    [teamId, objectType, id, slug, TYPES[kind]],
  );
  return { id, slug, objectType, kind };
}

/** Changes the lookup of a property. @param state by default that from which the worker builds or removes the lookup */
export async function setLookup(
  session: Session,
  teamId: string,
  { id }: LookupProperty,
  lookup: Lookup,
  state = lookup === 'none' ? 'removing' : 'building',
): Promise<void> {
  await session.query(
    'UPDATE property_definitions SET lookup = $3, lookup_state = $4, lookup_since = now() WHERE team_id = $1 AND id = $2',
    [teamId, id, lookup, state],
  );
}

/** The differences between the rows of a lookup and the values of live records; empty if the lookup is correct. */
export function lookupErrors(
  session: Session,
  teamId: string,
  { id, slug, objectType, kind }: LookupProperty,
): Promise<object[]> {
  return session.query(
    `SELECT COALESCE(r.id, l.record_id) AS id, r.value, l.record_id IS NOT NULL AS found
       FROM (SELECT r.id, r.properties -> $4 AS value, lookup_hash($5, r.properties -> $4) AS hash FROM records AS r
              WHERE r.team_id = $1 AND r.object_type = $3 AND r.deleted_at IS NULL
                AND lookup_hash($5, r.properties -> $4) IS NOT NULL) AS r
       FULL JOIN (SELECT * FROM record_lookups WHERE team_id = $1 AND property_id = $2) AS l
         ON l.record_id = r.id AND l.value_hash = r.hash
      WHERE r.id IS NULL OR l.record_id IS NULL`,
    [teamId, id, objectType, slug, kind],
  );
}

/** The state of a lookup, as the database has it. */
export async function lookupState(session: Session, { id }: LookupProperty): Promise<string | null | undefined> {
  const [row] = await session.query<{ state: string | null }>(
    'SELECT lookup_state AS state FROM property_definitions WHERE id = $1',
    [id],
  );
  return row?.state;
}
