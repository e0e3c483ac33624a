/** The dependency rules of docs/architecture.md: apps depend on libs, and libs only on libs below them. */
const baseLibs = '^libs/(config|telemetry|errors|json)/';
const stores = '^libs/(database|redis)/';

module.exports = {
  forbidden: [
    {
      name: 'no-circular-dependencies',
      comment: 'Modules in a cycle cannot be understood, tested or moved separately.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'libs-do-not-import-apps',
      comment: 'A lib that imports an app cannot be used by another app.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(apps|test|tools)/' },
    },
    {
      name: 'apps-do-not-import-apps',
      comment:
        'Apps are separate programs; code that two of them share belongs in a lib. Only docs, which documents them, imports others.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/docs/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'libs-are-imported-by-index',
      comment: "A lib's index.ts is its public interface. Everything else in it is private and may change.",
      severity: 'error',
      from: { path: '^(apps|libs|test|tools)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/.+', pathNot: ['^libs/[^/]+/index\\.ts$', '^$1/$2/'] },
    },
    {
      name: 'database-and-redis-import-base-libs-only',
      comment: 'Other libs depend on database and redis, so these may depend on none of them, nor on each other.',
      severity: 'error',
      from: { path: '^libs/(database|redis)/' },
      to: { path: '^libs/', pathNot: ['^libs/$1/', baseLibs] },
    },
    {
      name: 'limits-do-not-import-domain-libs',
      comment: 'Admission and rate limits apply before a request is interpreted, so they need no domain code.',
      severity: 'error',
      from: { path: '^libs/limits/' },
      to: { path: '^libs/', pathNot: ['^libs/limits/', stores, baseLibs] },
    },
    {
      name: 'base-libs-import-base-libs-only',
      comment: 'Every lib imports config, telemetry and errors, so an import of another lib would be a cycle.',
      severity: 'error',
      from: { path: baseLibs },
      to: { path: '^libs/', pathNot: baseLibs },
    },
    {
      name: 'only-database-imports-pg',
      comment: 'Pool settings, transactions and error mapping are implemented once, in libs/database.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^libs/database/' },
      to: { path: 'node_modules/(pg|pg-pool|postgres)/' },
    },
    {
      name: 'only-redis-imports-ioredis',
      comment: 'The time budget and the fallback while Redis is unavailable are implemented once, in libs/redis.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^libs/redis/' },
      to: { path: 'node_modules/ioredis/' },
    },
    {
      name: 'no-dev-dependencies-in-production',
      comment: 'Development dependencies are not installed in production.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['\\.spec\\.ts$', '^apps/quickstart/'] },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'require', 'node', 'types', 'default'],
    },
  },
};
