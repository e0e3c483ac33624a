import { HttpConnection, requestBytes, type RequestParts } from '../../test/support/http.connection';
import type { AttackingParty } from './parties';

/** Attackers call from an address of their own, so that limits per address do not affect the victim. */
const ATTACKER_ADDRESS = '127.0.0.2';

/** The gateway as an attacker sees it: opens connections, counts responses, and closes all connections at the end. */
export class AttackTarget {
  /** How often each status came; `closed`: the connection was closed instead; `refused`: it could not be opened. */
  readonly responses: Record<string, number> = {};
  private readonly connections = new Set<HttpConnection>();

  /** @param signal ends the attack: it closes every connection and opens no more */
  constructor(
    readonly url: string,
    readonly attacker: AttackingParty,
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => {
      for (const connection of this.connections) connection.destroy();
    });
  }

  /** A path below the attacker's team. */
  path(rest: string): string {
    return `/v2/prism/${this.attacker.teamId}/${rest}`;
  }

  /** A request with the attacker's first key, unless the headers have another one. */
  request(parts: RequestParts): Buffer {
    return requestBytes({ ...parts, headers: { 'x-api-key': this.attacker.apiKeys[0], ...parts.headers } });
  }

  batch(body: object | Buffer, headers: Record<string, string> = {}): Buffer {
    const bytes = Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return this.request({ method: 'POST', path: this.path('organization/batch/update'), headers, body: bytes });
  }

  /** A new connection; undefined if the gateway does not accept it, or the attack is over. */
  async open(): Promise<HttpConnection | undefined> {
    if (this.isOver()) return undefined;
    let connection: HttpConnection;
    try {
      connection = await HttpConnection.open(this.url, ATTACKER_ADDRESS);
    } catch {
      this.count('refused'); // also counts attempts after the gateway has ended
      return undefined;
    }
    if (this.isOver()) connection.destroy();
    this.connections.add(connection);
    const forget = (): boolean => this.connections.delete(connection);
    connection.closed.then(forget, forget);
    return connection;
  }

  /**
   * Opens this many connections, has each pipeline its requests, and waits for the responses.
   *
   * @param requestsOf what the connection of this number sends
   */
  async exchange(connections: number, requestsOf: (n: number) => Buffer[]): Promise<void> {
    const exchanges = Array.from({ length: connections }, async (_, n) => {
      const requests = requestsOf(n);
      const connection = await this.open();
      if (connection === undefined) return;
      connection.send(Buffer.concat(requests));
      for (let left = requests.length; left > 0 && connection.isOpen; left--) {
        this.count((await connection.status()) ?? 'closed');
      }
      connection.destroy();
    });
    await Promise.all(exchanges);
  }

  private isOver(): boolean {
    return this.signal.aborted;
  }

  private count(response: number | string): void {
    this.responses[response] = (this.responses[response] ?? 0) + 1;
  }
}
