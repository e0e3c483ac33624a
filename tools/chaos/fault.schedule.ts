import { Random } from '../../test/support/random';

/** Kinds of faults. Each is repaired when it ends. */
export const faultKinds = [
  'gateway-killed',
  'gateway-frozen',
  'gateway-drained',
  'worker-killed',
  'postgres-stopped',
  'backends-terminated',
  'records-locked',
  'redis-flushed',
  'redis-emptied',
  'redis-frozen',
  'redis-restored',
  'link-cut',
  'link-stalled',
  'responses-lost',
  'requests-cut',
] as const;

/** Kinds of faults of a primary with a synchronous standby. */
export const failoverKinds = [
  // The primary dies, and the standby takes over.
  'failover',
  // The same after the standby was unavailable and waits for it were canceled: what was not confirmed is lost.
  'failover-unconfirmed',
  // The standby takes over while the former primary continues to run, read-only.
  'switchover',
  // The standby is unavailable for a while.
  'standby-stopped',
  // The primary restarts while commits wait for the standby, which is unavailable.
  'primary-restarted',
] as const;

/** Kinds of faults of two servers that Patroni manages. */
export const patroniKinds = [
  // Everything on the primary is killed, Patroni too, and the standby takes over.
  'server-killed',
  // The same after the standby was suspended and waits for it were canceled: what was not confirmed is lost.
  'server-killed-unconfirmed',
  // Everything on the primary is suspended until the standby has taken over, and continues.
  'server-frozen',
  // Postgres of the primary is killed.
  'primary-killed',
  // Patroni of the primary is killed: the standby takes over while the former primary continues to run.
  'patroni-killed',
  'patroni-switchover',
  // Patroni restarts the primary.
  'patroni-restart',
  // The primary becomes read-only.
  'etcd-stopped',
  'standby-killed',
] as const;
export type FaultKind = (typeof faultKinds)[number] | (typeof failoverKinds)[number] | (typeof patroniKinds)[number];

/** The connections that a network fault affects: those between a gateway and its callers or one of its servers. */
export const linkNames = ['callers', 'postgres', 'redis'] as const;
export type LinkName = (typeof linkNames)[number];

export interface Fault {
  /** Milliseconds after the start of the round. Later if the fault before it in its lane is not over. */
  atMs: number;
  kind: FaultKind;
  /** The gateway that fails, or whose link does. */
  gateway: 0 | 1;
  link: LinkName;
  /** Duration in milliseconds, without the time to stop and start servers. */
  holdMs: number;
}

type Range = readonly [min: number, max: number];

/** Faults of a lane are sequential; those of different lanes overlap. */
export interface Lane {
  name: string;
  kinds: readonly FaultKind[];
  /** Milliseconds between the end of one fault and the start of the next. */
  gapMs: Range;
  /** Fixed for a lane of one gateway; otherwise each fault picks one. */
  gateway?: 0 | 1;
  links?: readonly LinkName[];
}

const holdMs: Record<FaultKind, Range> = {
  'gateway-killed': [0, 1_000],
  // Longer than the deadlines of its requests, their claims, and the statement timeout of Postgres.
  'gateway-frozen': [3_500, 5_000],
  'gateway-drained': [0, 300],
  'worker-killed': [0, 500],
  'postgres-stopped': [0, 600],
  'backends-terminated': [0, 0],
  'records-locked': [200, 900],
  'redis-flushed': [0, 0],
  'redis-emptied': [0, 500],
  'redis-frozen': [100, 2_500],
  'redis-restored': [200, 1_500],
  'link-cut': [0, 0],
  'link-stalled': [100, 3_300],
  'responses-lost': [300, 1_500],
  'requests-cut': [300, 1_500],
  failover: [0, 300],
  'failover-unconfirmed': [300, 1_500],
  switchover: [500, 1_500],
  'standby-stopped': [300, 4_500],
  'primary-restarted': [300, 1_000],
  'server-killed': [0, 1_000],
  // Shorter than Patroni needs to notice that the standby is unavailable.
  'server-killed-unconfirmed': [300, 1_500],
  // Longer than `ttl`.
  'server-frozen': [6_000, 8_000],
  'primary-killed': [0, 0],
  'patroni-killed': [0, 1_000],
  'patroni-switchover': [0, 0],
  'patroni-restart': [0, 0],
  'etcd-stopped': [4_000, 8_000],
  'standby-killed': [300, 4_500],
};

const gatewayFaults = ['gateway-killed', 'gateway-frozen', 'gateway-drained'] as const;
const linkFaults = ['link-cut', 'link-stalled', 'responses-lost', 'requests-cut'] as const;

const worker: Lane = { name: 'worker', kinds: ['worker-killed'], gapMs: [2_000, 6_000] };

/** Every kind of fault. */
export const allLanes: readonly Lane[] = [
  { name: 'first gateway', kinds: gatewayFaults, gapMs: [3_000, 10_000], gateway: 0 },
  { name: 'second gateway', kinds: gatewayFaults, gapMs: [3_000, 10_000], gateway: 1 },
  worker,
  { name: 'postgres', kinds: ['postgres-stopped', 'backends-terminated'], gapMs: [2_000, 7_000] },
  { name: 'locks', kinds: ['records-locked'], gapMs: [1_000, 4_000] },
  {
    name: 'redis',
    kinds: ['redis-flushed', 'redis-emptied', 'redis-frozen', 'redis-restored'],
    gapMs: [500, 3_000],
  },
  { name: 'network of callers', kinds: linkFaults, gapMs: [1_000, 5_000], links: ['callers'] },
  { name: 'network of servers', kinds: linkFaults, gapMs: [1_000, 4_000], links: ['postgres', 'redis'] },
];

/** Faults of a primary with a synchronous standby, and at the same time others. */
export const failoverLanes: readonly Lane[] = withOtherLanes({
  name: 'servers',
  kinds: failoverKinds,
  gapMs: [1_000, 3_000],
});

/** Faults of two servers that Patroni manages, each of which takes about 10 s to repair, and at the same time others. */
export const patroniLanes: readonly Lane[] = withOtherLanes({
  name: 'servers',
  kinds: patroniKinds,
  gapMs: [8_000, 12_000],
});

function withOtherLanes(servers: Lane): Lane[] {
  return [
    servers,
    worker,
    { name: 'backends', kinds: ['backends-terminated'], gapMs: [5_000, 15_000] },
    { name: 'locks', kinds: ['records-locked'], gapMs: [1_000, 4_000] },
    { name: 'network of callers', kinds: linkFaults, gapMs: [1_000, 5_000], links: ['callers'] },
    { name: 'network of servers', kinds: ['link-cut', 'link-stalled'], gapMs: [2_000, 6_000], links: ['postgres'] },
  ];
}

/** The faults of one lane. The same seed, duration and lane give the same faults. */
export function scheduleOf(lane: Lane, random: Random, durationMs: number): Fault[] {
  const laneRandom = random.fork(lane.name);
  const faults: Fault[] = [];
  let remaining: FaultKind[] = [];
  let atMs = 0;
  for (;;) {
    atMs += laneRandom.integer(...lane.gapMs);
    if (atMs >= durationMs) return faults;
    // Each kind once before any is repeated.
    if (remaining.length === 0) remaining = laneRandom.shuffled(lane.kinds);
    const kind = remaining.pop() ?? laneRandom.pick(lane.kinds);
    const fault: Fault = {
      atMs,
      kind,
      gateway: lane.gateway ?? laneRandom.pick([0, 1] as const),
      link: laneRandom.pick(lane.links ?? linkNames),
      holdMs: laneRandom.integer(...holdMs[kind]),
    };
    faults.push(fault);
    atMs += fault.holdMs;
  }
}
