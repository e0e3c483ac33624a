import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const repository = join(__dirname, '../..');

interface Service {
  build?: unknown;
  read_only?: boolean;
  privileged?: boolean;
  user?: string;
  cap_add?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  volumes?: unknown[];
}

describe('the image', () => {
  const instructions = readFileSync(join(repository, 'Dockerfile'), 'utf8')
    .split('\n')
    .filter((line) => /^[A-Z]+ /.test(line));
  // The last stage is the image.
  const shipped = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

  it('runs as a user that owns none of its files', () => {
    const users = shipped.filter((line) => line.startsWith('USER '));
    expect(users).toEqual(['USER node']);
    const after = shipped.slice(shipped.indexOf('USER node'));
    expect(after.filter((line) => /^(COPY|ADD|RUN) /.test(line))).toEqual([]);
    expect(shipped.filter((line) => /--chown|--chmod/.test(line))).toEqual([]);
  });

  it('exposes the metrics port, and limits the heap to a part of the memory limit', () => {
    const text = readFileSync(join(repository, 'Dockerfile'), 'utf8');
    expect(text).toMatch(/^ENV NODE_ENV=production \\\n +METRICS_HOST=0\.0\.0\.0 \\\n/m);
    const percentage = Number(/^ +NODE_OPTIONS=--max-old-space-size-percentage=(\d+)$/m.exec(text)?.[1]);
    expect(percentage).toBeLessThanOrEqual(60);
  });

  it('contains no secret, and no download outside of npm ci', () => {
    expect(instructions.filter((line) => /^(ENV|ARG) .*(KEY|TOKEN|PASSWORD|SECRET|_URL)/.test(line))).toEqual([]);
    expect(instructions.filter((line) => /^ADD |curl |wget /.test(line))).toEqual([]);
    expect(
      instructions.filter((line) => line.includes('npm ci')).every((line) => line.includes('--ignore-scripts')),
    ).toBe(true);
  });
});

describe('the services that compose builds', () => {
  const { services } = parse(readFileSync(join(repository, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, Service>;
  };
  const own = Object.entries(services).filter(([, { build }]) => build !== undefined);

  it('run read-only, without capabilities and without new privileges', () => {
    expect(own.map(([name]) => name)).toEqual(
      expect.arrayContaining(['gateway-1', 'gateway-2', 'worker', 'migrate', 'admin', 'demo']),
    );
    for (const [name, service] of own) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect([service.privileged, service.user, service.cap_add, service.volumes], name).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
    }
  });
});
