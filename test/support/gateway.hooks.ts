import { afterAll, beforeAll } from 'vitest';
import type { ApiClient } from './api.client';
import { type GatewayOptions, startGateway, type TestGateway } from './gateway';

/** A gateway that runs while the tests of a file or `describe` run, and a client of one team. */
export interface RunningGateway {
  readonly gateway: TestGateway;
  readonly caller: ApiClient;
}

/** Starts the gateway before the tests, and closes it after them. Read the members in tests and hooks only. */
export function useGateway(options?: GatewayOptions): RunningGateway {
  let running: RunningGateway | undefined;
  beforeAll(async () => {
    const gateway = await startGateway(options);
    running = { gateway, caller: await gateway.newCaller() };
  });
  afterAll(() => running?.gateway.close());
  const started = (): RunningGateway => {
    if (running === undefined) throw new Error('The gateway starts before the first test.');
    return running;
  };
  return {
    get gateway() {
      return started().gateway;
    },
    get caller() {
      return started().caller;
    },
  };
}
