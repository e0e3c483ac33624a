import { isIPv6 } from 'node:net';
import type { Settings } from '#libs/config';
import { type BucketCharge, chargesOf, LocalBuckets } from '#libs/limits';
import { ProblemException } from '#libs/problems';

/** Look-ups of keys that are not cached at one time: a flood of invented keys fills this, and not the database. */
const MAX_LOOK_UPS = 32;
const RETRY_AFTER_SECONDS = 1;

/**
 * Bounds what unknown keys cost: the failed attempts of one address, and the look-ups of keys that are not cached. Requests
 * with a cached key never pass here, so one caller's failures refuse no other caller of the same address that is in use.
 */
export class AuthenticationThrottle {
  private readonly failures: LocalBuckets;
  private readonly charges: readonly BucketCharge[];
  private lookUps = 0;

  /** @param now a monotonic clock in microseconds */
  constructor(
    settings: Pick<Settings, 'authFailuresPerSecond' | 'authFailuresBurst'>,
    private readonly onRefusal: (reason: 'address' | 'look_ups') => void,
    now?: () => number,
  ) {
    const { authFailuresPerSecond: perSecond, authFailuresBurst: burst } = settings;
    this.charges = perSecond === 0 ? [] : chargesOf({ requests: { perSecond, burst } }, { requests: 1 });
    this.failures = new LocalBuckets(now);
  }

  /** @throws ProblemException `rate_limited` if the address failed too often */
  checkAddress(address: string): void {
    // Costs nothing: a failure is charged when it is known, and the bucket may then hold more than its size.
    const checks = this.charges.map((charge) => ({ ...charge, costUs: 0 }));
    const waitUs = Math.max(0, ...this.failures.consume(networkOf(address), checks).map((state) => state.waitUs));
    if (waitUs === 0) return;
    this.onRefusal('address');
    const message = 'Too many requests with an invalid API key came from your address. Correct the key and try again.';
    throw new ProblemException('rate_limited', message, { headers: { 'retry-after': String(waitUs / 1_000_000) } });
  }

  /** Charges an address for a key that gives no access. */
  countFailure(address: string): void {
    this.failures.adjust(networkOf(address), this.charges);
  }

  /**
   * Runs the look-up of a key that is not cached.
   * @throws ProblemException `unavailable` if too many such look-ups run
   */
  async lookUp<T>(run: () => Promise<T>): Promise<T> {
    if (this.lookUps >= MAX_LOOK_UPS) {
      this.onRefusal('look_ups');
      const message = 'Too many unknown API keys are being looked up. Nothing was done; send the request again.';
      throw new ProblemException('unavailable', message, { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } });
    }
    this.lookUps += 1;
    try {
      return await run();
    } finally {
      this.lookUps -= 1;
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
