import type { Logger } from 'pino';
import { AccessService } from '#libs/auth';
import type { Settings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { type Program, runProgram } from '#libs/program';
import { DEMO_TEAM_ID, createDemoKey } from './demo.access';
import { DemoCaller } from './demo.caller';
import { DemoTraffic } from './demo.traffic';

const CLIENTS = ['demo-billing', 'demo-sync'];

/**
 * Sends low traffic to a gateway, so that its dashboards show data. It creates API keys, which requires a `DATABASE_URL` of
 * the tables' owner, and revokes them when it stops.
 *
 *   node dist/apps/demo/main.js http://haproxy:8080
 */
async function start(settings: Settings, logger: Logger): Promise<Program> {
  const [, , gatewayUrl] = process.argv;
  if (gatewayUrl === undefined || !URL.canParse(gatewayUrl))
    throw new Error('the first argument must be the URL of a gateway: http://<host>:<port>');
  const database = openDatabase(settings);
  const access = AccessService.create(database);
  const records = new URL(`/v2/prism/${DEMO_TEAM_ID}/organization`, gatewayUrl).href;
  const keys = await Promise.all(CLIENTS.map((client) => createDemoKey(access, client)));
  const traffic = keys.map(({ apiKey }) => new DemoTraffic(new DemoCaller(records, apiKey), logger));
  for (const each of traffic) each.start();
  logger.info({ to: gatewayUrl, clients: CLIENTS }, 'sending traffic');
  return {
    stop: async () => {
      await Promise.all(traffic.map((each) => each.stop()));
      for (const { keyId } of keys) await access.revokeKey(DEMO_TEAM_ID, keyId);
      await database.close();
    },
  };
}

runProgram(start);
