/** How much of each resource something takes, by the resource's name. */
export type Load<R extends string> = Readonly<Record<R, number>>;

/** Amounts that grow and shrink, resource by resource. */
export class Account<R extends string> {
  private readonly amounts: Record<R, number>;

  constructor(private readonly resources: readonly R[]) {
    this.amounts = Object.fromEntries(resources.map((resource) => [resource, 0])) as Record<R, number>; // one for each R
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

  /** Whether it stays within the bounds if the load is added. */
  hasRoom(load: Load<R>, bounds: Load<R>): boolean {
    return this.resources.every((resource) => this.amounts[resource] + load[resource] <= bounds[resource]);
  }
}
