/** The servers of a connection URL. Connections are opened to the one that was the last to accept one. */
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

  /** The next server follows, unless another caller has found that out already. */
  reportFailure(url: string): void {
    if (url === this.current) this.index = (this.index + 1) % this.urls.length;
  }
}
