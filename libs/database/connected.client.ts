import type { Duplex } from 'node:stream';
import type { ClientBase } from 'pg';

/** Properties of pg's own client that its type does not declare. */
export interface ConnectedClient {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly ssl: boolean | object;
  readonly sslNegotiation: 'postgres' | 'direct';
  /** Of the backend. With {@link secretKey} it identifies the backend in a cancel request. */
  readonly processID: number;
  readonly secretKey: number;
  readonly connection: {
    readonly stream: Duplex;
    on(event: 'parameterStatus', listener: (message: { parameterName: string; parameterValue: string }) => void): void;
  };
}

/** A client of pg with the properties that its type does not declare. */
export function connectedClient(client: ClientBase): ConnectedClient {
  return client as unknown as ConnectedClient;
}
