/** The servers of a connection URL. New connections use the current one until it fails. */
export class ServerList {
  private index = 0;

  /** @param urls a URL for each server, in the order in which they are tried */
  constructor(private readonly urls: readonly string[]) {}

  get size(): number {
    return this.urls.length;
  }

  /** The URL of the server for the next connection. */
  get current(): string {
    return this.urls[this.index] ?? '';
  }

  /** Moves to the next server, unless another caller has already done so. */
  reportFailure(url: string): void {
    if (url === this.current) this.index = (this.index + 1) % this.urls.length;
  }
}
