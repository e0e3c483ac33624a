import type { Span } from '#libs/telemetry';
import type { Cost, Rates } from './rate';
import type { Fields } from './rate.fields';
import type { LimitedClient, RateLimiter } from './rate.limiter';

/** What its client's limits leave to one request. Whoever knows what the request takes charges for it, before it is done. */
export class Quota {
  /**
   * @param tell is given what the answer says of the limits, each time that it changes
   * @param span of the request; undefined if it is not traced
   */
  constructor(
    private readonly limiter: RateLimiter,
    private readonly client: LimitedClient,
    private readonly rates: Rates,
    private readonly tell: (fields: Fields) => void,
    private readonly span?: Span,
  ) {}

  /** @throws ProblemException `rate_limited`: then nothing was charged */
  async charge(cost: Cost): Promise<void> {
    const { fields, refusal } = await this.limiter.charge(this.client, this.rates, cost, this.span);
    this.tell(fields);
    if (refusal) throw refusal;
  }

  /** For what was not done after all. */
  async giveBack(cost: Cost): Promise<void> {
    this.tell(await this.limiter.giveBack(this.client, this.rates, cost, this.span));
  }
}
