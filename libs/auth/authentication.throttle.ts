import { isIPv6 } from 'node:net';
import type { Settings } from '#libs/config';
import { type BucketCharge, chargesOf, FairQueue, LocalBuckets, type Refusal } from '#libs/limits';
import { RequestError } from '#libs/errors';

/** Look-ups of unknown keys at one time. The other control connection stays free for known keys, definitions and probes. */
const CONCURRENT_LOOK_UPS = 1;
const QUEUED_LOOK_UPS = 256;
const MAX_WAIT_MS = 2_000;
const RETRY_AFTER_SECONDS = 1;

/** A request with an unknown key was not looked at, because there are too many. */
export class ThrottledError extends RequestError {}

/**
 * Bounds what unknown keys cost: the failed attempts of one network, and the look-ups of keys that were never found. Those
 * are queued, and the networks take turns, so a flood of invented keys delays the first use of a valid key by little.
 * Requests with a key that was found before never pass here.
 */
export class AuthenticationThrottle {
  private readonly failures: LocalBuckets;
  private readonly charges: readonly BucketCharge[];
  private readonly lookUps = new FairQueue<'lookUps'>({
    capacity: { lookUps: CONCURRENT_LOOK_UPS },
    share: 'as_much_as_is_free',
    queueLength: QUEUED_LOOK_UPS,
    activeMs: MAX_WAIT_MS,
  });

  /** @param now a monotonic clock in microseconds */
  constructor(
    settings: Pick<Settings, 'authFailuresPerSecond' | 'authFailuresBurst'>,
    private readonly onRefusal: (reason: 'address' | 'look_ups', address: string) => void,
    now?: () => number,
  ) {
    const { authFailuresPerSecond: perSecond, authFailuresBurst: burst } = settings;
    this.charges = perSecond === 0 ? [] : chargesOf({ requests: { perSecond, burst } }, { requests: 1 });
    this.failures = new LocalBuckets(now);
  }

  /** @throws ThrottledError `rate_limited` if the address failed too often */
  checkAddress(address: string): void {
    // Costs nothing: a failure is charged when it is known, and the bucket may then hold more than its size.
    const checks = this.charges.map((charge) => ({ ...charge, costUs: 0 }));
    const waitUs = Math.max(0, ...this.failures.consume(networkOf(address), checks).map((state) => state.waitUs));
    if (waitUs === 0) return;
    this.onRefusal('address', address);
    const message = 'Too many requests with an invalid API key came from your address. Correct the key and try again.';
    throw new ThrottledError('rate_limited', message, { headers: { 'retry-after': String(waitUs / 1_000_000) } });
  }

  /** Charges an address for a key that gives no access. */
  countFailure(address: string): void {
    this.failures.adjust(networkOf(address), this.charges);
  }

  /**
   * Runs the look-up of an unknown key for an address, when it is its turn.
   * @throws ThrottledError `unavailable` if too many such look-ups are queued
   */
  async lookUp<T>(address: string, run: () => Promise<T>): Promise<T> {
    const permit = this.lookUps.enqueue(networkOf(address), { lookUps: 1 }, MAX_WAIT_MS);
    const refusal = await new Promise<Refusal | undefined>((resolve) => {
      permit.onSettled(resolve);
    });
    if (refusal !== undefined) {
      this.onRefusal('look_ups', address);
      const message = 'Too many unknown API keys are being looked up. Nothing was done; send the request again.';
      throw new ThrottledError('unavailable', message, { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } });
    }
    try {
      return await run();
    } finally {
      permit.release();
    }
  }
}

/** The address itself, or the /64 network of an IPv6 address: whoever has one address of it has them all. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return groups.slice(0, 4).join(':');
}
