import { Connection, type PoolClient } from 'pg';
import { connectedClient } from './connected.client';

/** Timeout of the delivery of a cancel request. */
const DELIVERY_MS = 1_000;

/** Methods of pg's connection that its type does not declare. */
interface RawConnection extends Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

/**
 * Cancels the statement that a client's backend is running. The request goes over a connection of its own, encrypted if the
 * client's is. It has no effect if the backend is idle when it arrives.
 *
 * Resolves with true when the server has closed that connection, which it does after it has signaled the backend: statements
 * sent from then on are not canceled. Resolves with false after a timeout or an error: the request may still arrive. Never
 * rejects.
 */
export function cancelRunning(pooled: PoolClient): Promise<boolean> {
  const client = connectedClient(pooled);
  const { ssl, sslNegotiation } = client;
  const connection = new Connection({ ssl, sslNegotiation } as object) as RawConnection; // pg takes more options, and has more methods, than its types declare
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
