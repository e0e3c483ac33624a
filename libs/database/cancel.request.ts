import { Connection, type PoolClient } from 'pg';

/** How long the server may take to receive a request to cancel. */
const DELIVERY_MS = 1_000;

/** What a client of pg knows of its connection beyond its type. */
interface ConnectedClient {
  readonly host: string;
  readonly port: number;
  readonly ssl: boolean | object;
  readonly sslNegotiation: 'postgres' | 'direct';
  /** Of its backend: what a request to cancel must show. */
  readonly processID: number;
  readonly secretKey: number;
}

/** What pg's connection can do before it begins a session; its type has none of it. */
interface RawConnection extends Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

/**
 * Asks Postgres to cancel what a client's backend is running, over a connection of its own and encrypted if the client's is.
 * Nothing happens if the backend runs nothing by then.
 *
 * Resolves with true when the server has closed that connection, which it does after it has told the backend: whatever
 * the client sends from then on is not what is canceled. With false, that may still happen. Never rejects.
 */
export function cancelRunning(pooled: PoolClient): Promise<boolean> {
  const client = pooled as unknown as ConnectedClient; // pg's own class, see above
  const { ssl, sslNegotiation } = client;
  const connection = new Connection({ ssl, sslNegotiation } as object) as RawConnection; // see above
  return new Promise((resolve) => {
    const end = (delivered: boolean): void => {
      clearTimeout(timer);
      connection.stream.destroy();
      resolve(delivered);
    };
    const timer = setTimeout(end, DELIVERY_MS, false);
    let sent = false;
    const send = (): void => {
      sent = true;
      connection.cancel(client.processID, client.secretKey);
    };
    connection.on('error', () => {
      end(false);
    });
    connection.once('end', () => {
      end(sent);
    });
    if (ssl === false) connection.once('connect', send);
    else {
      connection.once('sslconnect', send);
      if (sslNegotiation === 'postgres') {
        connection.once('connect', () => {
          connection.requestSsl();
        });
      }
    }
    if (client.host.startsWith('/')) connection.connect(`${client.host}/.s.PGSQL.${client.port}`);
    else connection.connect(client.port, client.host);
  });
}
