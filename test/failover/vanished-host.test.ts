import { EventEmitter, once } from 'node:events';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { expect, it } from 'vitest';
import { createDatabase } from '../support/database';
import { TcpProxy } from '../support/tcp.proxy';

it('a host that vanishes while a new connection is checked is skipped, and keeps no place in the pool', async () => {
  const own = await createDatabase();
  const { hostname, port, username, password, pathname } = new URL(own.url);
  const proxy = await TcpProxy.before(own.url);
  proxy.stallAfterStart();
  const url = `postgres://${username}:${password}@127.0.0.1:${proxy.port},${hostname}:${port}${pathname}`;
  for (const pooler of ['none', 'session']) {
    const database = openDatabase(
      readSettings({ DATABASE_URL: url, DATABASE_POOL_SIZE: '2', DATABASE_POOLER: pooler }),
    );
    const leases = new EventEmitter();
    const bothLeased = once(leases, 'both');
    let leased = 0;
    const call = (): Promise<void> =>
      database.withClient(async (client) => {
        if ((leased += 1) === 2) leases.emit('both');
        await bothLeased;
        expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
      });
    await Promise.all([call(), call()]);
    expect(database.stats()).toMatchObject({ total: 2, idle: 2 });
    await database.close();
  }
  proxy.close();
  await own.drop();
});
