import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';

const OPERATIONS = ['list', 'query', 'count', 'find'] as const;
export type QueryOperation = (typeof OPERATIONS)[number];

/** Metrics of queries. Their rate and duration are those of their routes. */
@Injectable()
export class QueryMetrics {
  private readonly timeouts;

  constructor(instruments: Instruments) {
    this.timeouts = instruments.counter(
      'prism_query_timeouts_total',
      'Queries that were canceled because they used up their time budget (`QUERY_TIMEOUT_MS` or the deadline of the request).',
      { operation: OPERATIONS },
    );
    for (const operation of OPERATIONS) this.timeouts.inc({ operation }, 0);
  }

  countTimeout(operation: QueryOperation): void {
    this.timeouts.inc({ operation });
  }
}
