import { onServer } from '../../test/support/server.database';
import { cancelWaits } from './failover.injector';
import type { Injection } from './fault.injection';
import type { patroniKinds } from './fault.schedule';

/** Faults of two servers that Patroni manages, and of what it depends on. */
export const patroniInjections: Record<(typeof patroniKinds)[number], Injection> = {
  'server-killed': async ({ cluster }, _fault, hold) => {
    const { primary } = await cluster.roles();
    cluster.killServer(primary);
    await cluster.waitUntilReplaced(primary);
    await hold();
    cluster.startPatroni(primary.name);
    await cluster.waitUntilSettled();
  },
  'server-frozen': async ({ cluster }, _fault, hold) => {
    const { primary } = await cluster.roles();
    cluster.pauseServer(primary);
    await hold();
    // Not at the very moment: Patroni 3.0 may take the leader key back from the other server (docs/failover.md).
    await cluster.waitUntilReplaced(primary);
    cluster.resumeServer(primary);
    await cluster.waitUntilSettled();
  },
  'primary-killed': async ({ cluster }) => {
    const { primary } = await cluster.roles();
    cluster.killPostgres(primary);
    await cluster.waitUntilSettled();
  },
  'patroni-killed': async ({ cluster }, _fault, hold) => {
    const { primary } = await cluster.roles();
    cluster.killPatroni(primary);
    await cluster.waitUntilReplaced(primary);
    await hold();
    cluster.startPatroni(primary.name);
    await cluster.waitUntilSettled();
  },
  'patroni-switchover': async ({ cluster }) => {
    await cluster.switchover();
    await cluster.waitUntilSettled();
  },
  'patroni-restart': async ({ cluster }) => {
    const { primary } = await cluster.roles();
    await cluster.restart(primary);
    await cluster.waitUntilSettled();
  },
  'etcd-stopped': async ({ cluster }, _fault, hold) => {
    await cluster.stopEtcd();
    await hold();
    cluster.startEtcd();
    await cluster.waitUntilSettled();
  },
  'standby-killed': async ({ cluster }, _fault, hold) => {
    const { standby } = await cluster.roles();
    cluster.killServer(standby);
    await hold();
    cluster.startPatroni(standby.name);
    await cluster.waitUntilSettled();
  },
  'server-killed-unconfirmed': async ({ cluster }, _fault, hold) => {
    const { primary, standby } = await cluster.roles();
    cluster.pauseServer(standby);
    await hold();
    for (let times = 0; times < 5; times += 1) {
      await onServer(cluster.url('postgres', primary.port), cancelWaits);
      await hold(100);
    }
    cluster.killServer(primary);
    cluster.resumeServer(standby);
    await cluster.waitUntilReplaced(primary);
    cluster.startPatroni(primary.name);
    await cluster.waitUntilSettled();
  },
};
