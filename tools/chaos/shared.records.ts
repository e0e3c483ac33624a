import type { Random } from '../../test/support/random';

/** What callers share knowledge of: the records there are, and what was last heard of them. */
export class SharedRecords {
  private readonly ids: string[];
  private readonly versions = new Map<string, number>();
  private tokens = 0;

  constructor(
    readonly teamId: string,
    readonly seeded: { id: string; name: string }[],
    /** The number of records that many callers want at once. */
    private readonly hot: number,
  ) {
    this.ids = seeded.map(({ id }) => id);
    for (const id of this.ids) this.versions.set(id, 1);
  }

  static seed(teamId: string, random: Random, count: number): SharedRecords {
    const seeded = Array.from({ length: count }, (_, index) => ({ id: random.uuid(), name: `seed ${index}` }));
    return new SharedRecords(teamId, seeded, 5);
  }

  get hotIds(): string[] {
    return this.ids.slice(0, this.hot);
  }

  /** A record to change; now and then one that others change too. */
  pick(random: Random): string {
    return random.chance(0.15) ? random.pick(this.hotIds) : random.pick(this.ids);
  }

  /** A record to delete: not one of the hot ones, which would then all fail. */
  pickVictim(random: Random): string {
    return random.pick(this.ids.slice(this.hot));
  }

  versionOf(id: string): number | undefined {
    return this.versions.get(id);
  }

  /** What an answer said of a record; there may be newer ones. */
  heard(id: string, version: number): void {
    const known = this.versions.get(id);
    if (known === undefined) this.ids.push(id);
    this.versions.set(id, Math.max(known ?? 0, version));
  }

  /** A value that nobody has used before. */
  token(): string {
    this.tokens += 1;
    return `t${this.tokens}`;
  }
}
