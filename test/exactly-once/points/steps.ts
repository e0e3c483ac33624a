import type { DatabasePoint } from './database.breakpoints';
import type { GatewayPoint } from './gateway.process';

/** A step on the way of a keyed batch of six items at which something fails. */
export interface Step {
  /** What had happened, as a test's name has it. */
  after: string;
  /** Where the batch is stopped; `answered`: not at all. */
  place: { gateway: GatewayPoint } | { database: DatabasePoint } | 'answered';
  /** How many items had been committed. */
  committed: number;
  /** Whether these are on disk for sure. */
  flushed?: true;
  /** Whether the caller's attempt holds the key in Redis. */
  claimed: boolean;
}

/** Before and after each step: the claim, the request row, items 1, 4 and 6, the flush, the kept answer, the reply. */
export const steps: readonly Step[] = [
  { after: 'before the key was claimed', place: { gateway: 'before claim' }, committed: 0, claimed: false },
  { after: 'after the key was claimed', place: { gateway: 'after claim' }, committed: 0, claimed: true },
  { after: 'before the request row was written', place: { database: 'request row' }, committed: 0, claimed: true },
  { after: 'after the request row was written', place: { database: 'item 1' }, committed: 0, claimed: true },
  { after: 'after item 1 was applied', place: { database: 'item 1 applied' }, committed: 0, claimed: true },
  { after: 'after item 1 was committed', place: { database: 'item 2' }, committed: 1, claimed: true },
  { after: 'after item 3 was committed', place: { database: 'item 4' }, committed: 3, claimed: true },
  { after: 'after item 4 was applied', place: { database: 'item 4 applied' }, committed: 3, claimed: true },
  { after: 'after item 4 was committed', place: { database: 'item 5' }, committed: 4, claimed: true },
  { after: 'after item 5 was committed', place: { database: 'item 6' }, committed: 5, claimed: true },
  { after: 'after item 6 was applied', place: { database: 'item 6 applied' }, committed: 5, claimed: true },
  { after: 'after item 6 was committed', place: { database: 'flush' }, committed: 6, claimed: true },
  { after: 'after the request was marked complete', place: { database: 'flush marked' }, committed: 6, claimed: true },
  {
    after: 'after the flush was committed',
    place: { database: 'flush committed' },
    committed: 6,
    flushed: true,
    claimed: true,
  },
  {
    after: 'before the answer was kept',
    place: { gateway: 'before keep' },
    committed: 6,
    flushed: true,
    claimed: true,
  },
  { after: 'after the answer was kept', place: { gateway: 'after keep' }, committed: 6, flushed: true, claimed: false },
  { after: 'after the answer was sent', place: 'answered', committed: 6, flushed: true, claimed: false },
];
