import type { BenchContext } from '../bench.context';
import type { MemoryOptions } from '../cli.options';
import { builtFile } from '../../../test/support/repository.files';
import { Population } from '../growth/population';
import { headerOf, machineFacts, writeFigures } from '../machine.facts';
import { targetText } from '../report';
import { durableSettings, type Servers, startServers } from '../servers';
import type { ServiceProcess } from '../service.process';
import { gatewaySettings, Services } from '../services';
import { type Spread, spreadOf } from '../statistics';
import type { Target } from '../targets';
import { aligned, figure } from '../text.table';
import type { HttpWork } from '../wrk.driver';
import { bodyKinds } from './body.kinds';
import { loadWithBodies, type BodyLoad } from './body.load';
import { growthOf, measureRetained, type Retained } from './retained';

const records = 10_000;
const mebibyte = 2 ** 20;
/** The memory limit of the gateway in `deploy/kubernetes`, and the default heap limit of Node in such a container. */
const containerMebibytes = 512;
const heapMebibytes = 256;
/** The allowed growth of memory. */
const flatWithin = 1.05;

/** Measures memory after many batches, and under many concurrent large bodies. */
export async function measureMemory(options: MemoryOptions, context: BenchContext): Promise<void> {
  const { log, print } = context;
  const servers = await startServers(context, durableSettings);
  const population = await Population.of(1, servers, context);
  log(`loading ${records} organizations`);
  await population.growTo(records);
  await population.settle();
  const [{ teamId, apiKey } = { teamId: '', apiKey: '' }] = population.teams;
  const path = `/v2/prism/${teamId}/organization/batch/update`;

  let gateway = await startGateway(servers, context);
  const work: HttpWork = {
    ...{ url: gateway.url + path, caller: { apiKey }, callers: 8, items: 100, records },
    ...{ sent: 'batch', failing: 0, keyed: false, minimal: false },
  };
  const retained = await measureRetained(gateway, servers.meter, work, options.batches, context);
  const loads: BodyLoad[] = [];
  for (const kind of bodyKinds()) {
    const load = await loadWithBodies({ gateway, path, apiKey }, kind, options.seconds, context);
    loads.push(load);
    log(`64 callers, ${kind.name}: ${responsesText(load)}; at most ${inMebibytes(load.peakBytes)} MiB resident`);
    if (load.unexpectedExit !== null) {
      log(`it ended: ${/^.*FATAL.*$/m.exec(load.unexpectedExit)?.[0] ?? load.unexpectedExit}`);
      await gateway.stop();
      gateway = await startGateway(servers, context);
    }
  }

  const machine = machineFacts();
  const targets = memoryTargets(retained, loads);
  const flags = { ...gatewaySettings, heap: `${heapMebibytes}MiB` };
  print(`\n${headerOf(machine, servers.settings, flags)}`);
  print(`\n${retainedTable(retained)}\n${loadTable(loads)}\n${conditionsOf(options)}\n${targetText(targets)}\n`);
  writeFigures(options.json, { machine, settings: servers.settings, flags, retained, loads, targets }, context);
}

/** A gateway with the heap limit of a container, which reports its memory usage. */
function startGateway({ postgres, redisUrl }: Servers, { cleanup, signal }: BenchContext): Promise<ServiceProcess> {
  const preload = builtFile('tools/bench/memory/collect.preload.js');
  const nodeFlags = ['--expose-gc', `--max-old-space-size=${heapMebibytes}`, '--require', preload];
  return new Services(cleanup, signal).gateway('gateway', postgres.url, redisUrl, { nodeFlags });
}

function memoryTargets(retained: readonly Retained[], loads: readonly BodyLoad[]): Target[] {
  const most = (what: string, wanted: number, unit: Target['unit'], value: number): Target => {
    const reached: Spread = spreadOf([value]);
    return { what, bound: 'most', wanted, unit, reached, met: value <= wanted };
  };
  const resident = growthOf(retained, ({ residentBytes }) => residentBytes);
  const peak = Math.max(...loads.map(({ peakBytes }) => peakBytes)) / mebibyte;
  const exits = loads.filter(({ unexpectedExit }) => unexpectedExit !== null).length;
  return [
    most('resident memory after the last batches relative to the first tenth', flatWithin, 'x', resident),
    most('resident memory under 64 callers with 5 MiB bodies', containerMebibytes, 'MiB', peak),
    most('kinds of large bodies that ended the process', 0, '', exits),
  ];
}

function retainedTable(retained: readonly Retained[]): string {
  const cells = retained.map(({ batches, residentBytes, heapBytes, externalBytes }) => [
    figure(batches, 0),
    ...[residentBytes, heapBytes, externalBytes].map(inMebibytes),
  ]);
  return aligned([['batches', 'resident MiB', 'heap MiB', 'external MiB'], ...cells], new Set());
}

function loadTable(loads: readonly BodyLoad[]): string {
  const cells = loads.map((each) => [
    each.kind,
    responsesText(each),
    inMebibytes(each.peakBytes),
    inMebibytes(each.residentBytes),
    figure(each.recoveredMs, 0),
    each.unexpectedExit === null ? '' : 'ENDED',
  ]);
  const titles = ['64 callers with 5 MiB of', 'responses', 'peak MiB', 'after MiB', 'recovery ms', ''];
  return aligned([titles, ...cells], new Set([0, 1, 5]));
}

function responsesText({ responses }: BodyLoad): string {
  return Object.entries(responses)
    .map(([status, count]) => `${count} x ${status}`)
    .join(', ');
}

function inMebibytes(bytes: number | null): string {
  return figure(bytes === null ? null : bytes / mebibyte, 1);
}

function conditionsOf({ batches, seconds }: MemoryOptions): string {
  return [
    `${figure(batches, 0)} batches of 100 from 8 callers, every other 2 s with keys; each reading after a garbage collection; growth along the median slope`,
    `then 64 callers for ${seconds} s with each kind of body, half of them with keys; none: no response; recovery: until /health/ready is 200`,
    '',
  ].join('\n');
}
