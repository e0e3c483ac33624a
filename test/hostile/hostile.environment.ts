import { inject } from 'vitest';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { LimitedGateway } from '../../tools/abuse/limited.gateway';
import { createParties, type Parties } from '../../tools/abuse/parties';
import { Cleanup } from '../support/cleanup';
import { createDatabase } from '../support/database';
import { roleUrl } from '../support/server.database';

/** A built gateway with a small heap as a process, with its own database and callers. */
export interface HostileEnvironment {
  gateway: LimitedGateway;
  parties: Parties;
  /** Starts another gateway if this one has ended or still holds resources, so that one failure does not cause others. */
  renew(): Promise<void>;
  /** Replaces the callers, so that what one attack has stored or defined for its team does not affect the next one. */
  replaceParties(): Promise<void>;
  close(): Promise<void>;
}

/** Starts it. @param settings environment variables of the gateway */
export async function openHostileEnvironment(settings: Record<string, string> = {}): Promise<HostileEnvironment> {
  const cleanup = new Cleanup();
  const { signal } = new AbortController();
  const own = await createDatabase();
  cleanup.add(() => own.drop());
  const database = openDatabase(readSettings({ DATABASE_URL: own.url }));
  cleanup.add(() => database.close());
  const servers = { databaseUrl: roleUrl(own.url, inject('gatewayRole')), redisUrl: inject('redisUrl') };
  const start = async (): Promise<LimitedGateway> => {
    const gateway = await LimitedGateway.start(servers, signal, settings);
    cleanup.add(() => gateway.service.stop());
    return gateway;
  };
  const gateway = await start();
  const environment: HostileEnvironment = {
    gateway,
    parties: await createParties(database, gateway.url),
    renew: async () => {
      const { service } = environment.gateway;
      if (service.unexpectedExit === undefined && Object.keys(await environment.gateway.held(signal, 1)).length === 0)
        return;
      await service.stop();
      environment.gateway = await start();
    },
    replaceParties: async () => {
      environment.parties = await createParties(database, environment.gateway.url);
    },
    close: () => cleanup.run(),
  };
  return environment;
}
