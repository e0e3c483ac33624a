import { onServer } from '../../test/support/server.database';
import type { ChaosEnvironment } from './chaos.environment';
import type { Injection } from './fault.injection';
import type { failoverKinds } from './fault.schedule';

/** Faults of a primary with a synchronous standby. */
export const failoverInjections: Record<(typeof failoverKinds)[number], Injection> = {
  failover: async (environment, _fault, hold) => {
    const { pair } = environment;
    await pair.primary.stop('immediate');
    await hold();
    await takeOver(environment);
    await pair.replaceFormerPrimary();
  },
  'failover-unconfirmed': async (environment, _fault, hold) => {
    const { pair } = environment;
    await pair.standby.stop('fast');
    await hold();
    for (let times = 0; times < 5; times += 1) {
      await onServer(pair.primary.url, cancelWaits);
      await hold(100);
    }
    await pair.primary.stop('immediate');
    await pair.standby.start();
    await takeOver(environment);
    await pair.replaceFormerPrimary();
  },
  switchover: async (environment, _fault, hold) => {
    const { pair } = environment;
    await pair.changeSetting(pair.primary, 'default_transaction_read_only = on');
    await takeOver(environment);
    await hold();
    await pair.replaceFormerPrimary();
  },
  'standby-stopped': async ({ pair }, _fault, hold) => {
    await pair.standby.stop('fast');
    await hold();
    await pair.standby.start();
    await pair.waitUntilSynchronous();
  },
  'primary-restarted': async ({ pair }, _fault, hold) => {
    await pair.standby.stop('fast');
    await hold();
    await pair.primary.stop('immediate');
    await pair.primary.start();
    await hold();
    await pair.standby.start();
    await pair.waitUntilSynchronous();
  },
};

/** As an operator would: the commits are visible then, and the standby does not have them. */
export const cancelWaits = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/** Promotes the standby, and lets the address of the first gateway lead to it. */
async function takeOver({ pair, gateways, takeovers }: ChaosEnvironment): Promise<void> {
  await pair.promote();
  gateways[0].links.postgres.redirect(pair.standby.port);
  takeovers.push(performance.now());
}
