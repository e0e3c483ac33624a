import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command';
import { httpWork } from './workloads';
import { sourceFile } from '../../test/support/repository.files';
import { bodyKinds } from './memory/body.kinds';
import type { BenchEnvironment } from './bench.environment';
import { driveHttp } from './wrk.driver';

/** The load of another client. */
export interface Neighbor {
  what: string;
  send(seconds: number, signal: AbortSignal): Promise<unknown>;
}

/** Batches of 100 from one connection and from more than the database pool has, and the bodies that cost most CPU. */
export function neighborsOf(environment: BenchEnvironment): Neighbor[] {
  const small = bodyKinds(180_000).find(({ name }) => name === 'small objects');
  const large = new Map(bodyKinds().map(({ name, body }) => [name, body]));
  return [
    batches(environment, 1),
    batches(environment, 32),
    bodies(environment, 4, '180 KB of tiny objects', small?.body),
    bodies(environment, 4, '5 MiB of numbers', large.get('numbers')),
    bodies(environment, 4, '2 MB of unknown members', Buffer.from(unknownMembers(200_000))),
    bodies(environment, 4, '100 items of 50 KiB', large.get('100 items of keys')),
  ];
}

function batches(environment: BenchEnvironment, callers: number): Neighbor {
  const work = httpWork(environment, environment.gateway, 'update', { callers });
  return {
    what: `${callers} connection${callers === 1 ? '' : 's'} with batches of 100`,
    send: (seconds, signal) => driveHttp(work, seconds, signal),
  };
}

function bodies(environment: BenchEnvironment, connections: number, name: string, body: Buffer | undefined): Neighbor {
  if (body === undefined) throw new Error(`unknown kind of body: ${name}`);
  const file = join(environment.folder, `${name.replaceAll(' ', '-')}.json`);
  writeFileSync(file, body);
  const { url } = httpWork(environment, environment.gateway, 'update', {});
  const env = { BENCH_API_KEY: environment.credentials.apiKey, BENCH_BODY: file };
  return {
    what: `${connections} connections with bodies of ${name}`,
    send: (seconds, signal) =>
      run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', sourceFile('tools/bench/wrk/body.lua'), url], {
        env,
        signal,
      }),
  };
}

function unknownMembers(count: number): string {
  return `{"items":[{}],${Array.from({ length: count }, (_, n) => `"k${n}":0`).join(',')}}`;
}
