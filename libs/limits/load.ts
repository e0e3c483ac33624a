/** An amount of each resource, by the resource's name. */
export type Load<R extends string> = Readonly<Record<R, number>>;

/** The sum of loads that are added and subtracted, resource by resource. */
export class Account<R extends string> {
  private readonly amounts: Record<R, number>;

  constructor(private readonly resources: readonly R[]) {
    this.amounts = Object.fromEntries(resources.map((resource) => [resource, 0])) as Record<R, number>; // one for each R
  }

  /** The sum as it is now. */
  get load(): Load<R> {
    return { ...this.amounts };
  }

  of(resource: R): number {
    return this.amounts[resource];
  }

  add(load: Load<R>): void {
    for (const resource of this.resources) this.amounts[resource] += load[resource];
  }

  subtract(load: Load<R>): void {
    for (const resource of this.resources) this.amounts[resource] -= load[resource];
  }
}
