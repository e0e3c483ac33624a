import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  AbstractConnector,
  Redis as Client,
  type RedisOptions,
  type SentinelAddress,
  type SentinelConnectionOptions,
  SentinelConnector,
} from 'ioredis';

/** Called with the reason why a connection failed. ioredis itself only reports that the connection is closed. */
export type ReportFailure = (error: Error) => void;
/** Creates connections to one server, or to the master that the Sentinels name. */
type Connector = NonNullable<RedisOptions['Connector']>;

/** Connects to the nodes of a cluster. */
export function nodeConnector(report: ReportFailure): Connector {
  return class extends AbstractConnector {
    private readonly server: Pick<RedisOptions, 'host' | 'port' | 'tls'>;

    constructor(options: unknown) {
      super(0);
      this.server = options as RedisOptions; // ioredis declares them as unknown
    }

    connect(): Promise<AbstractConnector['stream']> {
      const { host = 'localhost', port = 0, tls } = this.server;
      this.connecting = true;
      this.stream = tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...tls });
      this.stream.once('error', (error: Error) => {
        this.firstError = error;
        report(error);
      });
      return Promise.resolve(this.stream);
    }
  };
}

/** Connects to the master that the Sentinels name. */
export function sentinelConnector(report: ReportFailure): Connector {
  return class extends SentinelConnector {
    constructor(options: unknown) {
      const own = options as SentinelConnectionOptions; // ioredis declares them as unknown
      super(own);
      // Replaces a private method, which drops the reasons.
      Object.assign(this, { connectToSentinel: (address: SentinelAddress) => sentinelClient(address, own, report) });
    }
  };
}

function sentinelClient(
  { host, port }: SentinelAddress,
  options: SentinelConnectionOptions,
  report: ReportFailure,
): Client {
  const { sentinelUsername, sentinelPassword, sentinelTLS, connectTimeout, sentinelCommandTimeout } = options;
  const client = new Client({
    host,
    port,
    ...(sentinelUsername !== undefined && { username: sentinelUsername }),
    ...(sentinelPassword !== undefined && { password: sentinelPassword }),
    ...(sentinelTLS !== undefined && { tls: sentinelTLS }),
    connectTimeout,
    commandTimeout: sentinelCommandTimeout,
    disableClientInfo: true,
    enableReadyCheck: false,
    retryStrategy: null,
  });
  return client.on('error', report);
}

/**
 * Keeps errors of a connection that is being closed from ending the process. ioredis listens for the first error of a socket
 * only, but a TLS socket that is closed during its handshake can report a second one.
 */
function handleErrorsOfClosingSockets(): void {
  const prototype = AbstractConnector.prototype as unknown as { disconnect: () => void }; // not a method of an instance
  const { disconnect } = prototype;
  prototype.disconnect = function (this: { stream?: AbstractConnector['stream'] }): void {
    this.stream?.on('error', () => undefined); // The first one was reported.
    disconnect.call(this);
  };
}

handleErrorsOfClosingSockets();
