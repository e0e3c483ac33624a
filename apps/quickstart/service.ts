/** A server that the gateway uses. */
export interface Service {
  origin: 'given' | 'system' | 'embedded';
  url: string;
  /** `undefined` where asking would need more than the quickstart knows. */
  version: string | undefined;
  /** `host:port`, fit to be shown: holds no password. */
  address: string;
  /** The folder of its data, of a Postgres that we run. */
  dataFolder?: string;
}
