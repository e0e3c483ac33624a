import type { HttpConnection } from '../../../test/support/http.connection';
import type { AttackTarget } from '../attack.target';

/** Connections that stay open from round to round. */
export class HeldConnections {
  private readonly open = new Set<HttpConnection>();
  private opened = 0;

  constructor(
    private readonly target: AttackTarget,
    private readonly count: number,
  ) {}

  /** Opens missing connections concurrently. @param begin the first action of a new connection, by its number */
  async refill(begin: (connection: HttpConnection, n: number) => void): Promise<void> {
    const missing = Array.from({ length: this.count - this.open.size }, async () => {
      const connection = await this.target.open();
      if (connection === undefined) return;
      this.open.add(connection);
      const forget = (): boolean => this.open.delete(connection);
      connection.closed.then(forget, forget);
      begin(connection, this.opened++);
    });
    await Promise.all(missing);
  }

  /** As {@link refill}; if none is missing, it waits until one is. */
  async replace(begin: (connection: HttpConnection, n: number) => void): Promise<void> {
    if (this.open.size === this.count) await Promise.race([...this.open].map(({ closed }) => closed));
    await this.refill(begin);
  }
}

/** Drops a connection as soon as there is a response, so that the next round replaces it. */
export async function closeAfterResponse(connection: HttpConnection): Promise<void> {
  await connection.status();
  connection.destroy();
}
