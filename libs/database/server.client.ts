import { Client, type ClientConfig } from 'pg';
import type { ServerList } from './server.list';

type Connected = (error?: Error) => void;

/**
 * The class of a pool's clients: each connects to the server that the list names when the client is created.
 *
 * `pg` reads the files of `sslrootcert`, `sslcert` and `sslkey` while it creates a client, and the pool does that even where an
 * exception would end the process. Here a file that cannot be read is an error of the connection.
 */
export function clientClass(servers: ServerList): new (config?: ClientConfig) => Client {
  return class extends Client {
    private readonly failure: Error | undefined;

    constructor(config?: ClientConfig) {
      const connectionString = servers.current;
      const failure = failureOf({ connectionString });
      super(failure === undefined ? { ...config, connectionString } : {});
      this.failure = failure;
    }

    override connect(): Promise<Client>;
    override connect(callback: Connected): void;
    override connect(callback?: Connected): Promise<Client> | undefined {
      const { failure } = this;
      if (callback === undefined) return failure === undefined ? super.connect() : Promise.reject(failure);
      if (failure === undefined) super.connect(callback);
      else process.nextTick(callback, failure);
      return undefined;
    }
  };
}

function failureOf(config: ClientConfig): Error | undefined {
  try {
    new Client(config);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
