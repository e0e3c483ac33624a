import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { parse, stringify } from 'yaml';
import { KustomizeFolder, type Manifest, manifestsIn, typeErrors } from './kubernetes.manifests';

const base = new KustomizeFolder('deploy/kubernetes/base');
const production = new KustomizeFolder('deploy/kubernetes/overlays/production');
const operatorKinds = ['ServiceMonitor', 'PrometheusRule'];

const ofKind = (kind: string): Manifest[] => base.resources.filter((manifest) => manifest.kind === kind);
const named = (kind: string, name: string): Manifest => {
  const found = ofKind(kind).find(({ metadata }) => metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
/** The manifests that run pods. */
const workloads = base.resources.filter(({ spec }) => spec?.template !== undefined);
const podOf = ({ spec }: Manifest) => spec.template;
const containerOf = (workload: Manifest) => podOf(workload).spec.containers[0];

/** The settings of the pods of a workload, according to the manifests. */
function settingsOf(workload: Manifest) {
  const sources: { configMapRef: { name: string } }[] = containerOf(workload).envFrom ?? [];
  const given = sources.map(({ configMapRef }) => base.settings(configMapRef.name));
  return readSettings({ DATABASE_URL: 'postgres://host/db', ...Object.assign({}, ...given) });
}

/** How many pods more than its replicas a Deployment has during a rollout. Kubernetes rounds a percentage up. */
function surgeOf({ spec }: Manifest, replicas: number): number {
  if (spec.strategy?.type === 'Recreate') return 0;
  const surge: number | string = spec.strategy?.rollingUpdate?.maxSurge ?? '25%';
  return typeof surge === 'number' ? surge : Math.ceil((Number.parseInt(surge) / 100) * replicas);
}

describe('the manifests', () => {
  it('match the types of Kubernetes', { timeout: 60_000 }, () => {
    const own = [...base.resources, ...production.resources].filter(({ kind }) => !operatorKinds.includes(kind));
    expect(own.length).toBeGreaterThan(8);
    expect(typeErrors(own)).toEqual([]);
  });

  it.each([
    ['a misspelled field', 'minReadySecond', (wrong: Manifest) => (wrong.spec.minReadySecond = 5)],
    ['no selector', 'selector', (wrong: Manifest) => delete wrong.spec.selector],
    ['a name for a number', 'containerPort', (wrong: Manifest) => (containerOf(wrong).ports[0].containerPort = 'http')],
  ])('are checked by types that reject %s', { timeout: 60_000 }, (_what, field, spoil) => {
    const wrong = structuredClone(named('Deployment', 'prism-gateway'));
    spoil(wrong);
    expect(typeErrors([wrong]).join()).toContain(field);
  });

  it.each([base, production])('$path lists exactly the files that exist', (folder) => {
    const { resources, patches = [] } = folder.kustomization;
    const listed = [...resources, ...patches.map(({ path }) => path)];
    expect(listed.filter((file) => file.endsWith('.yaml')).sort()).toEqual(folder.files.sort());
  });

  it('have valid settings in the overlay, and trust no whole network', () => {
    const settings = { ...base.settings('prism-settings'), ...production.settings('prism-settings') };
    const { trustedProxies } = readSettings({ DATABASE_URL: 'postgres://host/db', ...settings });
    expect(trustedProxies).toMatch(/^[\d.]+\/32$/);
  });

  it('contain references to secrets only', () => {
    expect(base.resources.concat(production.resources).filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const values = workloads.flatMap((workload) => containerOf(workload).env ?? []).filter((entry) => 'value' in entry);
    expect(values).toEqual([]);
  });

  it('name each object once', () => {
    const names = base.resources.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe.each(workloads.map((workload) => [workload.metadata.name, workload] as const))('%s', (_name, workload) => {
  const container = containerOf(workload);

  it('runs as an unprivileged user, without capabilities, on a read-only file system', () => {
    expect(podOf(workload).spec).toMatchObject({
      automountServiceAccountToken: false,
      serviceAccountName: named('ServiceAccount', 'prism').metadata.name,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('has resource requests and a memory limit', () => {
    expect(container.resources).toMatchObject({
      requests: { cpu: expect.any(String) as string, memory: expect.any(String) as string },
      limits: { memory: expect.any(String) as string },
    });
  });

  it('uses only settings that exist', () => {
    const reference = readFileSync('docs/configuration.md', 'utf8');
    const sources: { configMapRef: { name: string } }[] = container.envFrom ?? [];
    const names = [
      ...sources.flatMap(({ configMapRef }) => Object.keys(base.settings(configMapRef.name))),
      ...(container.env ?? []).map(({ name }: { name: string }) => name),
    ];
    expect(names).toContain('DATABASE_URL');
    expect(names.filter((name) => !reference.includes(`| \`${name}\` `))).toEqual([]);
  });

  it('runs a program of the image', () => {
    const [node, script] = container.command as string[];
    expect(node).toBe('node');
    expect(existsSync(String(script).replace(/^dist\/(.*)\.js$/, '$1.ts'))).toBe(true);
  });

  it('is selected by its own labels', () => {
    const selector = workload.spec.selector?.matchLabels;
    if (selector !== undefined) expect(podOf(workload).metadata.labels).toMatchObject(selector);
    expect(podOf(workload).metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'prism' });
  });

  it('names the ports of its probes, on which the program listens', () => {
    const { port, metricsPort, metricsHost } = settingsOf(workload);
    const listens: Record<string, number> = { http: port, metrics: metricsPort };
    const ports: { name: string; containerPort: number }[] = container.ports ?? [];
    for (const { name, containerPort } of ports) expect(containerPort).toBe(listens[name]);
    // Probes and Prometheus come from outside the pod.
    if (ports.length > 0) expect(metricsHost).toBe('0.0.0.0');
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'].flatMap((name) => container[name] ?? [])) {
      expect(ports.map(({ name }) => name)).toContain(probe.httpGet.port);
    }
  });
});

it('each program has its own database role, with grants by the migrations', () => {
  const urlOf = (workload: Manifest): unknown =>
    containerOf(workload).env.find(({ name }: { name: string }) => name === 'DATABASE_URL').valueFrom.secretKeyRef.key;
  expect(workloads.map((workload) => [workload.metadata.name, urlOf(workload)])).toEqual([
    ['prism-migrate', 'migrate-database-url'],
    ['prism-gateway', 'gateway-database-url'],
    ['prism-worker', 'worker-database-url'],
  ]);
  expect(containerOf(named('Job', 'prism-migrate')).command.slice(3)).toEqual([
    '--gateway-role=prism_gateway',
    '--worker-role=prism_worker',
  ]);
  // The comment documents the content of the Secret.
  const keys = workloads.flatMap((workload) =>
    (containerOf(workload).env ?? []).map((entry: any) => entry.valueFrom.secretKeyRef.key as string),
  );
  const described = readFileSync('deploy/kubernetes/base/kustomization.yaml', 'utf8').matchAll(
    /^# {3}([a-z-]+-url) /gm,
  );
  expect([...described].map(([, key]) => key).sort()).toEqual([...new Set(keys)].sort());
});

describe('the gateway', () => {
  const gateway = named('Deployment', 'prism-gateway');
  const container = containerOf(gateway);

  it('has time to drain and to finish its requests', () => {
    const { drainDelayMs, drainGraceMs, requestTimeoutMs } = settingsOf(gateway);
    const [command, seconds] = container.lifecycle.preStop.exec.command as string[];
    expect(command).toBe('sleep');
    // And `LAST_BYTES_MS` of the shutdown.
    const needed = 1_000 * Number(seconds) + drainDelayMs + drainGraceMs + requestTimeoutMs + 1_000;
    expect(1_000 * podOf(gateway).spec.terminationGracePeriodSeconds).toBeGreaterThan(needed);
  });

  it('is restarted only if it hangs, and gets requests when it is ready', () => {
    expect(container.livenessProbe.httpGet.path).toBe('/health/live');
    expect(container.startupProbe.httpGet.path).toBe('/health/live');
    expect(container.readinessProbe.httpGet.path).toBe('/health/ready');
  });

  it('keeps its number of replicas during a rollout', () => {
    expect(gateway.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });

  it("leaves Postgres connections free during a rollout at the autoscaler's maximum", () => {
    expect(gateway.spec.replicas).toBeUndefined();
    const scalers = [named('HorizontalPodAutoscaler', 'prism-gateway'), ...production.patches];
    const worker = named('Deployment', 'prism-worker');
    // Each has two more than its pool for keys, definitions and readiness, and two to look at the server.
    const ofGateway = settingsOf(gateway).databasePoolSize + 4;
    const ofWorker = settingsOf(worker).importConcurrency + 5;
    const ofMigrate = 2; // its own, and one to look at the server
    const available = 100 - 3; // the defaults of max_connections and superuser_reserved_connections
    for (const { kind, spec } of scalers.filter((scaler) => scaler.kind === 'HorizontalPodAutoscaler')) {
      expect(spec.minReplicas, kind).toBeGreaterThan(1);
      const gateways = (spec.maxReplicas as number) + surgeOf(gateway, spec.maxReplicas);
      const workers = (worker.spec.replicas as number) + surgeOf(worker, worker.spec.replicas);
      expect(gateways * ofGateway + workers * ofWorker + ofMigrate).toBeLessThanOrEqual(available);
    }
  });

  it.each(['HorizontalPodAutoscaler', 'PodDisruptionBudget', 'Service', 'NetworkPolicy'])(
    'is the target of its %s',
    (kind) => {
      const { spec } = named(kind, 'prism-gateway');
      if (kind === 'HorizontalPodAutoscaler') {
        expect(spec.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'prism-gateway' });
      } else {
        const selector = spec.selector?.matchLabels ?? spec.podSelector?.matchLabels ?? spec.selector;
        expect(podOf(gateway).metadata.labels).toMatchObject(selector);
      }
    },
  );

  it('spreads over zones and machines', () => {
    const spread = podOf(gateway).spec.topologySpreadConstraints;
    expect(spread.map(({ topologyKey }: { topologyKey: string }) => topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'kubernetes.io/hostname',
    ]);
    for (const { labelSelector } of spread)
      expect(podOf(gateway).metadata.labels).toMatchObject(labelSelector.matchLabels);
  });
});

describe('services and policies', () => {
  it('name ports of their pods', () => {
    for (const service of ofKind('Service')) {
      const behind = workloads.filter((workload) =>
        Object.entries(service.spec.selector).every(
          ([label, value]) => podOf(workload).metadata.labels[label] === value,
        ),
      );
      expect(behind, service.metadata.name).toHaveLength(1);
      const ports = behind.flatMap((workload) => containerOf(workload).ports.map(({ name }: { name: string }) => name));
      for (const { targetPort } of service.spec.ports) expect(ports).toContain(targetPort);
    }
  });

  const policies = [...base.resources, ...production.resources].filter(({ kind }) => kind === 'NetworkPolicy');
  interface Peer {
    ipBlock?: { cidr: string };
    namespaceSelector?: { matchLabels?: object };
    podSelector?: { matchLabels?: object };
  }
  interface Rule {
    to?: Peer[];
    from?: Peer[];
    ports?: { port: number | string }[];
  }
  const rules = policies.flatMap(({ metadata, spec }) => [
    ...((spec.egress ?? []) as Rule[]).map(({ to, ports }) => ({ policy: metadata.name, peers: to, ports })),
    ...((spec.ingress ?? []) as Rule[]).map(({ from, ports }) => ({ policy: metadata.name, peers: from, ports })),
  ]);

  it('allow only the named peers and ports', () => {
    expect(rules.length).toBeGreaterThan(4);
    for (const { policy, peers = [], ports = [] } of rules) {
      // A rule without peers or ports is about all of them, and so is an empty selector.
      expect(peers.length, policy).toBeGreaterThan(0);
      expect(ports.length, policy).toBeGreaterThan(0);
      for (const { ipBlock, namespaceSelector, podSelector } of peers) {
        if (ipBlock !== undefined) expect(ipBlock.cidr, policy).toMatch(/\/32$|\/128$/);
        else {
          const selectors = [namespaceSelector, podSelector].filter((selector) => selector !== undefined);
          expect(selectors.length, policy).toBeGreaterThan(0);
          for (const { matchLabels = {} } of selectors) expect(Object.keys(matchLabels), policy).not.toEqual([]);
        }
      }
    }
  });

  it('allow egress to DNS, Postgres and, for gateways, Redis', () => {
    const portsOf = (workload: Manifest): number[] =>
      policies
        .filter(({ spec }) =>
          Object.entries(spec.podSelector.matchLabels as Record<string, string>).every(
            ([label, value]) => podOf(workload).metadata.labels[label] === value,
          ),
        )
        .flatMap(({ spec }) => (spec.egress ?? []) as Rule[])
        .flatMap(({ ports = [] }) => ports.map(({ port }) => Number(port)));
    const reached = workloads.map((workload) => [workload.metadata.name, [...new Set(portsOf(workload))]]);
    expect(Object.fromEntries(reached)).toEqual({
      'prism-migrate': [53, 5432],
      'prism-gateway': [53, 5432, 6379],
      'prism-worker': [53, 5432],
    });
  });

  it('deny ingress and egress by default', () => {
    const policy = named('NetworkPolicy', 'prism-default');
    expect(policy.spec.policyTypes).toEqual(['Ingress', 'Egress']);
    for (const workload of workloads) {
      expect(podOf(workload).metadata.labels).toMatchObject(policy.spec.podSelector.matchLabels);
    }
  });
});

describe('the monitoring', () => {
  it('scrapes the services of gateways and workers under the job names of the rules', () => {
    const [monitor] = ofKind('ServiceMonitor');
    const scraped = ofKind('Service').filter(({ metadata }) =>
      Object.entries(monitor?.spec.selector.matchLabels as Record<string, string>).every(
        ([label, value]) => metadata.labels?.[label] === value,
      ),
    );
    const jobs = scraped.map(({ metadata }) => metadata.labels?.[monitor?.spec.jobLabel]);
    expect(jobs.sort()).toEqual(['prism-gateway', 'prism-worker']);
    for (const { spec } of scraped) expect(spec.ports.map(({ name }: { name: string }) => name)).toContain('metrics');
    expect(monitor?.spec.endpoints).toEqual([{ port: 'metrics', path: '/metrics', interval: '15s' }]);
  });

  // `npx vitest run test/deploy/kubernetes.spec.ts -u` generates them again.
  it('has the rules of deploy/prometheus', async () => {
    const folder = 'deploy/prometheus/rules';
    const files = readdirSync(folder).sort();
    const groups = files.flatMap(
      (file) => (parse(readFileSync(`${folder}/${file}`, 'utf8')) as { groups: object[] }).groups,
    );
    const rule = {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { name: 'prism', labels: { 'app.kubernetes.io/part-of': 'prism' } },
      spec: { groups },
    };
    const head =
      '# The rules of deploy/prometheus/rules, for the Prometheus operator. Written by test/deploy/kubernetes.spec.ts.\n';
    const text = head + stringify(rule, { lineWidth: 0, aliasDuplicateObjects: false });
    await expect(text).toMatchFileSnapshot('../../deploy/kubernetes/base/prometheus-rule.yaml');
  });
});

describe('the overlay', () => {
  it('changes only existing objects, and sets the image', () => {
    for (const { kind, metadata } of production.patches) expect(named(kind, metadata.name)).toBeDefined();
    const images = new Set(workloads.map((workload) => containerOf(workload).image));
    expect([...images]).toEqual(production.kustomization.images?.map(({ name }) => name));
  });

  const kustomize = { tags: ['kubectl'], timeout: 60_000 };
  it('is rendered by kustomize to valid objects in one namespace', kustomize, () => {
    const rendered = manifestsIn(execFileSync('kubectl', ['kustomize', production.path], { encoding: 'utf8' }));
    expect(typeErrors(rendered.filter(({ kind }) => !operatorKinds.includes(kind)))).toEqual([]);
    for (const { kind, metadata } of rendered) {
      if (kind === 'Namespace') expect(metadata.name).toBe('prism');
      else expect(metadata.namespace, metadata.name).toBe('prism');
    }
    const deployments = rendered.filter(
      ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'prism-gateway',
    );
    const [{ image, envFrom, resources }] = deployments.map(containerOf);
    const config = rendered.find(({ kind }) => kind === 'ConfigMap');
    expect(image).toBe('registry.example.com/prism-gateway:0.1.0');
    expect(envFrom).toEqual([{ configMapRef: { name: config?.metadata.name } }]);
    expect(config?.metadata.name).toMatch(/^prism-settings-\w+$/);
    expect(resources.limits.memory).toBe('1Gi');
  });
});
