/** Collects the parameters of a statement. Everything that a client sent, including slugs, enters a statement as a parameter. */
export class SqlParameters {
  readonly values: unknown[] = [];
  private readonly texts = new Map<string, string>();

  /** The placeholder of a value, such as `$3`. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** The placeholder of a text that may occur often, such as a slug: equal texts share one. */
  text(value: string): string {
    let placeholder = this.texts.get(value);
    if (placeholder === undefined) this.texts.set(value, (placeholder = `${this.add(value)}::text`));
    return placeholder;
  }
}
