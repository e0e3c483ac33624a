/**
 * `serving`; `draining`: readiness fails, requests are still served, so that load balancers notice first;
 * `closing`: requests under way are answered, new ones are refused.
 */
export type Stage = 'serving' | 'draining' | 'closing';

/** Where the process stands between its start and its end. It only ever moves forward. */
export class Lifecycle {
  #stage: Stage = 'serving';

  get stage(): Stage {
    return this.#stage;
  }

  drain(): void {
    if (this.#stage === 'serving') this.#stage = 'draining';
  }

  close(): void {
    this.#stage = 'closing';
  }
}
