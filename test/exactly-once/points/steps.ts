import type { DatabasePoint } from './database.breakpoints';
import type { GatewayPoint } from './gateway.process';

/** A step of a keyed batch of six items at which something fails. */
export interface Step {
  /** The progress at this step, as part of a test name. */
  after: string;
  /** Where the batch is stopped; `responded`: not at all. */
  place: { gateway: GatewayPoint } | { database: DatabasePoint } | 'responded';
  /** The number of committed items. */
  committed: number;
  /** Whether these are flushed. */
  flushed?: true;
  /** Whether the attempt holds the claim in Redis. */
  claimed: boolean;
}

/** Before and after each step: the claim, the request row, items 1, 4 and 6, the flush, the cached response, the response. */
const steps: readonly Step[] = [
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
    after: 'before the response was cached',
    place: { gateway: 'before store' },
    committed: 6,
    flushed: true,
    claimed: true,
  },
  {
    after: 'after the response was cached',
    place: { gateway: 'after store' },
    committed: 6,
    flushed: true,
    claimed: false,
  },
  { after: 'after the response was sent', place: 'responded', committed: 6, flushed: true, claimed: false },
];

const SHORT: readonly string[] = [
  'before the request row was written',
  'after item 4 was applied',
  'after item 4 was committed',
  'after item 6 was committed',
  'after the flush was committed',
  'after the response was sent',
];

/** The steps that `npm test` tests. */
export const shortSteps = steps.filter(({ after }) => SHORT.includes(after));
/** The steps that only `npm run test:long` tests. */
export const furtherSteps = steps.filter(({ after }) => !SHORT.includes(after));
