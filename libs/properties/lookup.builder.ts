import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Database, DatabaseUnavailable, SQL_STATES, sqlStateOf, statement } from '#libs/database';
import type { LookupBacklog } from './lookup.metrics';
import type { LookupState } from './property-definition';
import { DEFINITION_MAX_AGE_MS } from './property-definition.service';

/** What a step did. */
export interface LookupStep {
  readonly propertyId: string;
  /** The state of the lookup after it. */
  readonly state: Exclude<LookupState, null> | 'removed';
  /** Records visited, or rows deleted. */
  readonly handled: number;
}

/** Records that a step visits: a write of one of them waits some milliseconds at most. */
const ROWS = 500;
/** A reserve for statements that end a little after their deadline, and for clocks that differ. */
const MARGIN_MS = 10_000;

const BUILD_LOOKUPS = statement(__dirname, 'build_lookups');
const LOOKUP_BACKLOG = statement(__dirname, 'lookup_backlog');

/**
 * Builds the lookups of properties of which records already have values, and deletes lookups that were removed. Any number of processes
 * can do so at once, and each can end at any time: another one continues.
 */
@Injectable()
export class LookupBuilder {
  /**
   * How long after a change a gateway may still write by the previous definition: it knows the new one
   * after {@link DEFINITION_MAX_AGE_MS}, and ends each request within `REQUEST_TIMEOUT_MS`.
   */
  private readonly graceMs: number;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Settings) settings: Settings,
  ) {
    this.graceMs = DEFINITION_MAX_AGE_MS + settings.requestTimeoutMs + MARGIN_MS;
  }

  /**
   * Does the next step, as a transaction of its own.
   *
   * @param graceMs for tests
   * @returns `busy` if a record was locked for too long; undefined if there is nothing to do
   * @throws DatabaseUnavailable
   */
  async step(graceMs: number = this.graceMs): Promise<LookupStep | 'busy' | undefined> {
    try {
      const { rows } = await this.database.query<StepRow>(BUILD_LOOKUPS, [graceMs, ROWS]);
      const [row] = rows;
      if (row === undefined || row.property_id === null || row.state === null) return undefined;
      return { propertyId: row.property_id, state: row.state, handled: row.handled ?? 0 };
    } catch (error) {
      if (error instanceof DatabaseUnavailable && sqlStateOf(error.cause) === SQL_STATES.lockNotAvailable)
        return 'busy';
      throw error;
    }
  }

  /** @throws DatabaseUnavailable */
  async backlog(): Promise<LookupBacklog> {
    const { rows } = await this.database.query<BacklogRow>(LOOKUP_BACKLOG, []);
    const [row] = rows;
    if (row === undefined) throw new Error('lookup_backlog returned no row');
    const { oldest_seconds: oldestSeconds, ...counts } = row;
    return { ...counts, oldestSeconds };
  }
}

type BacklogRow = Omit<LookupBacklog, 'oldestSeconds'> & { readonly oldest_seconds: number };

interface StepRow {
  property_id: string | null;
  state: LookupStep['state'] | null;
  handled: number | null;
}
