import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { ProblemException } from '#libs/problems';
import { Redis, type RedisScript } from '#libs/redis';
import { Metrics, type RateKeeper, type Span } from '#libs/telemetry';
import { type Draw, drawsOf, secondsOf, type Standing } from './bucket';
import { LocalBuckets } from './local.buckets';
import { type Cost, defaultRates, type Rate, type Rates, ratesInForce } from './rate';
import { type Fields, rateFields } from './rate.fields';

/** As far ahead as `Retry-After` goes. */
const LONGEST_RETRY_SECONDS = 60;

/** Whose requests are counted together: those of one application, whichever of its keys it uses. */
export interface LimitedClient {
  readonly teamId: string;
  readonly clientId: string;
}

/** What became of a request that was held against the limits of its client. */
export interface Ruling {
  /** What its answer says of them. */
  readonly fields: Fields;
  /** Undefined: it may go on, and was charged for. */
  readonly refusal: ProblemException | undefined;
}

/**
 * Limits what each client sends a second, over all gateways that share a Redis. While that is away, each of them goes on by
 * itself, with the same numbers.
 */
@Injectable()
export class RateLimiter {
  private readonly script: RedisScript;
  private readonly local = new LocalBuckets();
  private readonly defaults: Rates;
  private readonly metrics: Metrics['rates'];

  constructor(redis: Redis, settings: Settings, { rates }: Metrics) {
    this.script = redis.script(join(__dirname, 'charge-1.lua'));
    this.defaults = defaultRates(settings);
    this.metrics = rates;
  }

  /** What limits a client; undefined if nothing does. @param own what was set for it */
  ratesOf(own: Rates): Rates | undefined {
    return ratesInForce(own, this.defaults);
  }

  /** Charges a client for a request, or refuses it: then it is charged for nothing. */
  async charge(client: LimitedClient, rates: Rates, cost: Cost, span?: Span): Promise<Ruling> {
    // A read takes no items: where nothing else is limited, Redis is not asked.
    const draws = drawsOf(rates, cost).filter(({ costUs }) => costUs > 0);
    if (draws.length === 0) return { fields: {}, refusal: undefined };
    const { standings, keeper } = await this.pour(client, draws, span);
    this.metrics.countCheck(keeper);
    const longest = standings.reduce((one, other) => (other.waitUs > one.waitUs ? other : one));
    if (longest.waitUs === 0) return { fields: rateFields(rates, standings), refusal: undefined };
    this.metrics.countLimited(longest.draw.unit);
    const seconds = Math.min(LONGEST_RETRY_SECONDS, secondsOf(longest.waitUs));
    return { fields: rateFields(rates, standings, seconds), refusal: limited(longest.draw, seconds) };
  }

  /** Gives back what a request was charged for and did not take after all. */
  async giveBack(client: LimitedClient, rates: Rates, cost: Cost, span?: Span): Promise<Fields> {
    const draws = drawsOf(rates, { items: -cost.items, requests: -cost.requests });
    return rateFields(rates, (await this.pour(client, draws, span)).standings);
  }

  private async pour(
    { teamId, clientId }: LimitedClient,
    draws: readonly Draw[],
    span: Span | undefined,
  ): Promise<{ standings: Standing[]; keeper: RateKeeper }> {
    const key = `prism:{${teamId}}:rates:${clientId}`;
    const reply = await this.script([key], argumentsOf(draws), span);
    return reply.ok
      ? { standings: standingsOf(draws, reply.value as number[]), keeper: 'redis' } // the shape that charge-1.lua documents
      : { standings: this.local.charge(key, draws), keeper: 'process' };
  }
}

function argumentsOf(draws: readonly Draw[]): (string | number)[] {
  return draws.flatMap(({ unit, costUs, sizeUs }) => [unit, costUs, sizeUs]);
}

function standingsOf(draws: readonly Draw[], numbers: readonly number[]): Standing[] {
  return draws.map((draw, i) => ({ draw, waitUs: numbers[2 * i] ?? 0, filledUs: numbers[2 * i + 1] ?? 0 }));
}

function limited({ unit, rate }: Draw, seconds: number): ProblemException {
  const message = `Over the limit of this application: ${inWords(unit, rate)}. Nothing was done; send the request again in ${seconds} s.`;
  return new ProblemException('rate_limited', message, { headers: { 'retry-after': String(seconds) } });
}

function inWords(unit: string, { perSecond, burst }: Rate): string {
  return `${perSecond} ${unit} a second, ${burst} at once`;
}
