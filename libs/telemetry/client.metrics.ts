import { Instruments } from './instruments';
import { ITEM_CODES, ITEM_OUTCOMES, ItemCode, ItemOutcome } from './metric.labels';

/** Few: there is one of each for every client. */
const CLIENT_SECONDS = [0.01, 0.05, 0.25, 1, 5];
const OTHER = 'other';
const CLIENT = `the client's name, or \`${OTHER}\` for those beyond \`METRICS_MAX_CLIENTS\``;

/**
 * What a gateway measures of each of its callers. The label is the client's name, which the operator gave it, and never
 * its id; and however many clients there are, no more than `limit` of them have a value of their own.
 */
export class ClientMetrics {
  private readonly named = new Set<string>();
  private readonly requests;
  private readonly requestSeconds;
  private readonly items;

  /** @param limit how many clients, the first to be seen, are told apart */
  constructor(
    instruments: Instruments,
    private readonly limit: number,
  ) {
    this.requests = instruments.counter('prism_client_requests_total', 'HTTP requests answered, by who called.', {
      client: CLIENT,
      status: 'the status code',
    });
    this.requestSeconds = instruments.histogram(
      'prism_client_request_duration_seconds',
      'How long an HTTP request took, by who called.',
      { client: CLIENT },
      CLIENT_SECONDS,
    );
    this.items = instruments.counter(
      'prism_client_items_total',
      'Items answered, by who called and by what became of them.',
      { client: CLIENT, outcome: ITEM_OUTCOMES, code: ITEM_CODES },
    );
  }

  countRequest(name: string, status: number, seconds: number): void {
    const client = this.labelOf(name);
    this.requests.inc({ client, status });
    this.requestSeconds.observe({ client }, seconds);
  }

  countItems(name: string, outcome: ItemOutcome, code: ItemCode, n: number): void {
    this.items.inc({ client: this.labelOf(name), outcome, code }, n);
  }

  private labelOf(name: string): string {
    if (this.named.has(name)) return name;
    if (this.named.size >= this.limit) return OTHER;
    this.named.add(name);
    return name;
  }
}
