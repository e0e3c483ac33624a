import { Agent, errors, request } from 'undici';
import type { BenchContext } from '../bench.context';
import type { ServiceProcess } from '../service.process';
import type { BodyKind } from './body.kinds';
import { memoryOf } from './retained';

const callers = 64;
/** A caller that got no answer at all tries again after this. */
const restMs = 100;
const watchEveryMs = 20;
/** How long a gateway may take to answer again when the crowd has gone. */
const recoveryMs = 30_000;

/** What one kind of body, from all callers at once, did to a gateway. */
export interface Crowd {
  kind: string;
  /** How often each status was answered; `none`: the connection ended without an answer. */
  responses: Record<string, number>;
  peakBytes: number;
  /** When the crowd has gone and everything is collected; null if it died. */
  residentBytes: number | null;
  /** How long after the crowd a small request waited for its answer; null if it died. */
  recoveredMs: number | null;
  /** How it ended, if it did. */
  death: string | null;
}

/** Where and as whom requests are sent. */
export interface Target {
  gateway: ServiceProcess;
  path: string;
  apiKey: string;
}

/** 64 callers send a body again and again, half of them with keys. */
export async function crowd(
  { gateway, path, apiKey }: Target,
  { name, body }: BodyKind,
  seconds: number,
  { signal }: BenchContext,
): Promise<Crowd> {
  gateway.forgetPeak();
  const responses: Record<string, number> = {};
  const until = performance.now() + seconds * 1_000;
  const agent = new Agent({ connections: callers, headersTimeout: 60_000, bodyTimeout: 60_000 });
  let peakBytes = 0;
  const call = async (number: number): Promise<void> => {
    for (let sent = 0; performance.now() < until && gateway.death === undefined; sent++) {
      signal.throwIfAborted();
      const key = number % 2 === 0 ? {} : { 'idempotency-key': `${name}-${number}-${sent}`.replaceAll(' ', '-') };
      const status = await statusOf(
        request(gateway.url + path, {
          method: 'POST',
          dispatcher: agent,
          headers: { 'content-type': 'application/json', 'x-api-key': apiKey, ...key },
          body,
        }),
      );
      responses[status] = (responses[status] ?? 0) + 1;
      if (status === 'none') await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  };
  // A process that dies takes its peak with it.
  const watch = setInterval(() => {
    peakBytes = peakOf(gateway) ?? peakBytes;
  }, watchEveryMs);
  try {
    await Promise.all(Array.from({ length: callers }, (_, number) => call(number)));
    peakBytes = peakOf(gateway) ?? peakBytes;
  } finally {
    clearInterval(watch);
    await agent.destroy();
  }
  const gone = performance.now();
  const recovered = await respondsAgain(gateway, signal);
  return {
    kind: name,
    responses: responses,
    peakBytes,
    residentBytes: recovered ? (await memoryOf(gateway)).residentBytes : null,
    recoveredMs: recovered ? performance.now() - gone : null,
    death: gateway.death ?? (recovered ? null : `no answer within ${recoveryMs} ms`),
  };
}

/** Undefined if it has ended, also if nobody has told this program yet. */
function peakOf(gateway: ServiceProcess): number | undefined {
  try {
    return gateway.peakBytes;
  } catch {
    return undefined; // a process that is gone has no figures
  }
}

async function statusOf(response: ReturnType<typeof request>): Promise<string> {
  try {
    const { statusCode, body } = await response;
    await body.dump();
    return String(statusCode);
  } catch (error) {
    // Refused, reset, or ended in the middle: what a caller sees of a gateway that is dying.
    if (error instanceof errors.UndiciError || (error instanceof Error && 'code' in error)) return 'none';
    throw error;
  }
}

/** Whether a small request is answered. */
async function respondsAgain(gateway: ServiceProcess, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + recoveryMs;
  while (gateway.death === undefined && performance.now() < until) {
    signal.throwIfAborted();
    if ((await statusOf(request(`${gateway.url}/health/ready`, { headersTimeout: recoveryMs }))) === '200') return true;
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  return false;
}
