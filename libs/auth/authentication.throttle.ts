import { isIPv6 } from 'node:net';
import type { Settings } from '#libs/config';
import { type BucketCharge, chargesOf, FairQueue, LocalBuckets, type Rejection } from '#libs/limits';
import { RequestError } from '#libs/errors';
import type { AuthThrottleReason } from './auth.metrics';

/** Concurrent lookups of unknown keys: the second control connection stays free for known keys, definitions and probes. */
const CONCURRENT_LOOKUPS = 1;
const MAX_QUEUED_LOOKUPS = 256;
const MAX_WAIT_MS = 2_000;

/** The request is rejected because of earlier or concurrent requests with invalid keys. */
export class ThrottledError extends RequestError {}

/**
 * Limits the cost of unknown keys: the failures of one network, and the lookups of keys that were never found. Lookups are queued
 * fairly by network, so a flood of unknown keys hardly delays the first use of a valid key. Valid keys that were found before are
 * not throttled.
 */
export class AuthenticationThrottle {
  private readonly failures: LocalBuckets;
  private readonly charges: readonly BucketCharge[];
  private readonly lookups = new FairQueue<'lookups'>({
    capacity: { lookups: CONCURRENT_LOOKUPS },
    share: 'dynamic',
    maxQueueLength: MAX_QUEUED_LOOKUPS,
    activeMs: MAX_WAIT_MS,
  });

  /** @param now a monotonic clock, in microseconds */
  constructor(
    settings: Pick<Settings, 'authFailuresPerSecond' | 'authFailuresBurst'>,
    private readonly onRejection: (reason: AuthThrottleReason, address: string) => void,
    now?: () => number,
  ) {
    const { authFailuresPerSecond: perSecond, authFailuresBurst: burst } = settings;
    this.charges = perSecond === 0 ? [] : chargesOf({ requests: { perSecond, burst } }, { requests: 1 });
    this.failures = new LocalBuckets(now);
  }

  /** @throws ThrottledError `rate_limited` if the address sent too many invalid keys */
  checkAddress(address: string): void {
    // The check costs nothing. A failure is charged afterwards, and may then overdraw the bucket.
    const checks = this.charges.map((charge) => ({ ...charge, costUs: 0 }));
    const waitUs = Math.max(0, ...this.failures.consume(networkOf(address), checks).map((state) => state.waitUs));
    if (waitUs === 0) return;
    this.onRejection('address', address);
    const message = 'Your address sent too many requests with an invalid API key. Correct the key and try again.';
    throw new ThrottledError('rate_limited', message, { retryAfterSeconds: waitUs / 1_000_000 });
  }

  /** Charges an address for an invalid key. */
  countFailure(address: string): void {
    this.failures.adjust(networkOf(address), this.charges);
  }

  /**
   * Queues the lookup of an unknown key.
   *
   * @throws ThrottledError `unavailable` if too many lookups are queued
   */
  async lookup<T>(address: string, run: () => Promise<T>): Promise<T> {
    const permit = this.lookups.enqueue(networkOf(address), { lookups: 1 }, MAX_WAIT_MS);
    const rejection = await new Promise<Rejection | undefined>((resolve) => {
      permit.onSettled(resolve);
    });
    if (rejection !== undefined) {
      this.onRejection('lookups', address);
      const message = 'Too many unknown API keys are being looked up. Nothing was done; send the request again.';
      throw new ThrottledError('unavailable', message);
    }
    try {
      return await run();
    } finally {
      permit.release();
    }
  }
}

/** The address, or the /64 network of an IPv6 address: a host usually has a whole /64 network. */
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
