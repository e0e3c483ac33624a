import { join } from 'node:path';
import swc from 'unplugin-swc';
import { defineConfig } from 'vitest/config';
import { prerequisiteTags } from './test/support/prerequisites.js';
import { SkippedReporter } from './test/support/skipped.reporter.js';

/** What takes minutes: `npm run test:long`. */
const LONG = ['test/**/*.long.test.ts'];

export default defineConfig({
  // Tests run the sources, and so does their global set-up, for which the `source` condition of package.json's imports
  // cannot be set.
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
    tags: prerequisiteTags(),
    reporters: ['default', new SkippedReporter()],
    // More would only wait for the same Postgres, on the two cores that a build machine has.
    maxWorkers: 2,
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
          name: 'servers',
          include: ['test/**/*.test.ts'],
          setupFiles: ['test/support/in-flight.setup.ts'],
          exclude: LONG,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: LONG,
          setupFiles: ['test/support/in-flight.setup.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          fileParallelism: false,
          testTimeout: 1_200_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
