import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free.port';
import type { Cleanup } from '../../test/support/cleanup';
import { builtFile } from '../../test/support/repository.files';
import { haproxyConfig } from './haproxy.config';
import { ServiceProcess, type ServiceSetup } from './service.process';

/** As in production, but without a log line per request, which would be measured too. */
export const gatewaySettings = { NODE_ENV: 'production', LOG_LEVEL: 'warn' };

/** Starts the programs that serve HTTP. */
export class Services {
  constructor(
    private readonly cleanup: Cleanup,
    private readonly signal: AbortSignal,
  ) {}

  /** @param options.nodeFlags if given, the process also accepts messages */
  gateway(
    name: string,
    databaseUrl: string,
    redisUrl: string,
    options: { nodeFlags?: readonly string[]; settings?: Record<string, string> } = {},
  ): Promise<ServiceProcess> {
    const { nodeFlags } = options;
    const settings = { ...gatewaySettings, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, ...options.settings };
    return this.node({
      name,
      main: 'apps/gateway/main.js',
      readyPath: '/health/ready',
      settings,
      ...(nodeFlags && { nodeFlags }),
    });
  }

  worker(databaseUrl: string): Promise<ServiceProcess> {
    return this.node({
      name: 'worker',
      main: 'apps/worker/main.js',
      settings: { ...gatewaySettings, DATABASE_URL: databaseUrl },
    });
  }

  textbook(databaseUrl: string): Promise<ServiceProcess> {
    const settings = { NODE_ENV: 'production', DATABASE_URL: databaseUrl };
    return this.node({ name: 'textbook', main: 'tools/bench/textbook/main.js', readyPath: '/empty', settings });
  }

  /** HAProxy in front of these gateways. @param folder for its configuration */
  async balancer(command: string, gateways: readonly ServiceProcess[], folder: string): Promise<ServiceProcess> {
    const port = await freePort();
    const config = join(folder, `haproxy-${port}.cfg`);
    const gatewayPorts = gateways.map((gateway) => gateway.port);
    writeFileSync(config, haproxyConfig(port, gatewayPorts));
    return this.start({
      name: 'haproxy',
      command,
      args: ['-db', '-f', config],
      env: {},
      port,
      readyPath: '/health/live',
    });
  }

  private async node(options: {
    name: string;
    main: string;
    /** On the port of the API; undefined: the program only has an admin port. */
    readyPath?: string;
    settings: Record<string, string>;
    nodeFlags?: readonly string[];
  }): Promise<ServiceProcess> {
    const { name, main, readyPath = '/health/ready', settings, nodeFlags = [] } = options;
    const port = await freePort();
    const [api, admin] = options.readyPath === undefined ? ['0', String(port)] : [String(port), '0'];
    const addresses = { HOST: '127.0.0.1', PORT: api, METRICS_HOST: '127.0.0.1', METRICS_PORT: admin };
    const env = { ...settings, ...addresses };
    const args = [...nodeFlags, builtFile(main)];
    const takesMessages = nodeFlags.length > 0;
    return this.start({ name, command: process.execPath, args, env, port, readyPath, takesMessages });
  }

  private async start(setup: ServiceSetup): Promise<ServiceProcess> {
    const service = await ServiceProcess.start(setup, this.signal);
    this.cleanup.add(() => service.stop());
    return service;
  }
}
