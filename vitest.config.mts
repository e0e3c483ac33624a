import { join } from 'node:path';
import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';
import { isInstalled, prerequisiteTags } from './test/support/prerequisites.mjs';

/** Tests that need an idle machine: one file at a time, after all others. */
const serial = ['test/**/*.serial.test.ts'];
/** Tests that take minutes: `npm run test:long`. */
const long = ['test/**/*.long.test.ts'];

/**
 * Tests of a single server that also run on a cluster: what writes records, and reads them. The other tests of the contract are about
 * HTTP, or about definitions of properties (docs/scale.md).
 */
const clusterSuites = [
  'test/exactly-once/**/*.test.ts',
  'test/property/**/*.test.ts',
  ...[
    ...['batch', 'batch-update', 'batch-delete', 'upsert-record', 'import-records', 'get-import', 'idempotency'],
    ...['query-records', 'list-records', 'count-records', 'get-receipt', 'get-record', 'find-record'],
    ...['create-record', 'patch-record', 'delete-record', 'restore-record', 'duplicate-record'],
  ].map((folder) => `test/contract/${folder}/**/*.test.ts`),
];
/** Those that start a server of their own or need none, and one that is too slow: the retention of a cluster deletes row by row. */
const notOnCluster = [
  'test/exactly-once/{claim,engine.cost,etags-after-crash,points-of-failure,redis-connection,full-redis}.test.ts',
  'test/exactly-once/retention.concurrency.test.ts',
  'test/property/rate-buckets.property.test.ts',
];

const withServers = {
  setupFiles: ['test/support/in-flight.setup.ts'],
  globalSetup: ['test/support/global.setup.ts'],
  hookTimeout: 60_000,
};

export default defineConfig({
  // Tests and their global setup run the sources. The `source` condition of package.json's imports cannot be set for the
  // global setup, so an alias replaces it.
  resolve: { alias: [{ find: /^#libs\/(.+)$/, replacement: join(import.meta.dirname, 'libs/$1/index.ts') }] },
  plugins: [
    // SWC emits the decorator metadata that Nest's injection and class-validator need; esbuild does not.
    swc.vite({
      module: { type: 'es6' },
      jsc: {
        target: 'es2023',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      },
    }),
  ],
  test: {
    environment: 'node',
    // The files of a worker share its modules: to load the gateway takes longer than most files need for their tests. So a
    // test restores what it changes: environment variables, timers, mocks.
    isolate: false,
    // Long enough for a busy machine: it ends tests that hang, and is no bound of speed.
    testTimeout: 30_000,
    tags: prerequisiteTags(),
    reporters: ['default', './test/support/skipped.reporter.ts'],
    // One more than the cores of a build machine, because tests also wait for servers and timers.
    maxWorkers: 3,
    coverage: {
      provider: 'v8',
      include: ['apps/**/*.ts', 'libs/**/*.ts'],
      // Programs run as processes of their own, where coverage is not collected.
      exclude: ['**/*.spec.ts', '**/main.ts', 'apps/quickstart/**', 'apps/demo/**'],
      reporter: ['text-summary', 'json-summary', 'html'],
      reportOnFailure: true,
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['apps/**/*.spec.ts', 'libs/**/*.spec.ts', 'test/**/*.spec.ts', 'tools/**/*.spec.ts'],
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: [...serial, ...long, 'test/cluster/**'],
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          name: 'serial',
          include: serial,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          name: 'cluster',
          globalSetup: ['test/support/cluster.setup.ts'],
          include: ['test/cluster/**/*.test.ts'],
          exclude: long,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          name: 'cluster-suites',
          globalSetup: ['test/support/cluster.setup.ts'],
          // Where Citus is missing, the project `cluster` says so.
          include: isInstalled('citus') ? clusterSuites : [],
          exclude: [...long, ...serial, ...notOnCluster],
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          ...withServers,
          name: 'long',
          include: long,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
          testTimeout: 1_200_000,
        },
      },
    ],
  },
});
