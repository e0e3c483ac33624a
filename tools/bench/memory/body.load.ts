import { Agent, errors, request } from 'undici';
import type { BenchContext } from '../bench.context';
import { peakOf, type ServiceProcess } from '../service.process';
import type { BodyKind } from './body.kinds';
import { memoryOf } from './retained';

const callers = 64;
/** Wait after a failed connection. */
const restMs = 100;
const watchEveryMs = 20;
/** The time in which the gateway must respond after the load. */
const recoveryMs = 30_000;

/** The effect of one kind of body from all callers concurrently. */
export interface BodyLoad {
  kind: string;
  /** Responses by status; `none`: the connection ended without a response. */
  responses: Record<string, number>;
  peakBytes: number;
  /** Resident memory after the load and a garbage collection; null if the process ended. */
  residentBytes: number | null;
  /** Time from the end of the load to the response to a small request; null if the process ended. */
  recoveredMs: number | null;
  /** How the process ended, if it did. */
  unexpectedExit: string | null;
}

/** The destination of requests and their API key. */
export interface Target {
  gateway: ServiceProcess;
  path: string;
  apiKey: string;
}

/** 64 callers repeat a body, half of them with an Idempotency-Key. */
export async function loadWithBodies(
  { gateway, path, apiKey }: Target,
  { name, body }: BodyKind,
  seconds: number,
  { signal }: BenchContext,
): Promise<BodyLoad> {
  gateway.resetPeak();
  const responses: Record<string, number> = {};
  const until = performance.now() + seconds * 1_000;
  const agent = new Agent({ connections: callers, headersTimeout: 60_000, bodyTimeout: 60_000 });
  let peakBytes = 0;
  const call = async (number: number): Promise<void> => {
    for (let sent = 0; performance.now() < until && gateway.unexpectedExit === undefined; sent++) {
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
  // The peak cannot be read after the process has ended.
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
  const ended = performance.now();
  const recovered = await respondsAgain(gateway, signal);
  return {
    kind: name,
    responses,
    peakBytes,
    residentBytes: recovered ? (await memoryOf(gateway)).residentBytes : null,
    recoveredMs: recovered ? performance.now() - ended : null,
    unexpectedExit: gateway.unexpectedExit ?? (recovered ? null : `no response within ${recoveryMs} ms`),
  };
}

async function statusOf(response: ReturnType<typeof request>): Promise<string> {
  try {
    const { statusCode, body } = await response;
    await body.dump();
    return String(statusCode);
  } catch (error) {
    // Rejected, reset or closed during the response: the gateway is ending.
    if (error instanceof errors.UndiciError || (error instanceof Error && 'code' in error)) return 'none';
    throw error;
  }
}

/** Whether a small request gets a response in time. */
async function respondsAgain(gateway: ServiceProcess, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + recoveryMs;
  while (gateway.unexpectedExit === undefined && performance.now() < until) {
    signal.throwIfAborted();
    if ((await statusOf(request(`${gateway.url}/health/ready`, { headersTimeout: recoveryMs }))) === '200') return true;
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  return false;
}
