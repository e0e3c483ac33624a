import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from './child.guard';
import { freePort } from './free.port';
import { type RedisServer, startRedis } from './redis.server';

/** The name of the master in the configuration of the Sentinels. */
export const MASTER_NAME = 'prism';

export interface SentinelOptions {
  masterPort: number;
  quorum: number;
  /** Further lines of sentinel.conf. `{port}` is the port of the Sentinel. */
  lines?: string[];
}

export interface Sentinel {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a Sentinel that considers a master down after half a second. Resolves when it is ready. */
export async function startSentinel({ masterPort, quorum, lines = [] }: SentinelOptions): Promise<Sentinel> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} ${quorum}`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
    ...lines.map((line) => line.replaceAll('{port}', String(port))),
  ];
  writeFileSync(file, `${settings.join('\n')}\n`);
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
  guard(child);
  await new Promise<void>((resolve, reject) => {
    let output = '';
    child.once('exit', () => {
      reject(new Error(`the Sentinel did not start:\n${output}`));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Sentinel ID is')) resolve();
    });
  });
  return {
    port,
    stop: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      rmSync(folder, { recursive: true });
    },
  };
}

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/**
 * Starts a cluster of three masters. Resolves when it serves all slots.
 *
 * @param options.replicas of each master; none by default. Then a master that does not respond is replaced within seconds
 * @param options.server further arguments of each server. `{port}` is its port
 * @param options.client further arguments of `redis-cli`, to connect to them
 */
export async function startCluster(
  options: { replicas?: 1; server?: string[]; client?: string[] } = {},
): Promise<RedisCluster> {
  const { replicas = 0, server = [], client = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'cluster-'));
  const start = async (): Promise<RedisServer> => {
    const port = await freePort();
    const cluster = [
      '--cluster-enabled',
      'yes',
      '--cluster-node-timeout',
      replicas ? '1000' : '60000',
      '--dir',
      folder,
    ];
    const files = ['--cluster-config-file', `nodes-${port}.conf`, '--cluster-port', String(await freePort())];
    return startRedis({ port, arguments: [...cluster, ...files, ...server] });
  };
  const nodes: RedisServer[] = [];
  while (nodes.length < 3 * (1 + replicas)) nodes.push(await start());
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', String(replicas), '--cluster-yes'];
  execFileSync('redis-cli', [...client, ...create], { stdio: 'pipe' });
  for (const { port } of nodes) {
    const ask = (...command: string[]): string =>
      execFileSync('redis-cli', [...client, '-p', String(port), ...command]).toString();
    const complete = new RegExp(`cluster_state:ok[^]*cluster_known_nodes:${nodes.length}`);
    while (!complete.test(ask('CLUSTER', 'INFO'))) await sleep(20);
    // A replica that has not received the data yet cannot replace its master.
    while (ask('INFO', 'replication').includes('master_link_status:down')) await sleep(20);
  }
  return {
    nodes,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.kill()));
      rmSync(folder, { recursive: true });
    },
  };
}
