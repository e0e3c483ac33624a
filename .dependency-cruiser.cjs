/** The arrows of the architecture as law: apps → libs, and among libs only downwards. */
const foundation = '^libs/(config|telemetry|errors)/';
const stores = '^libs/(database|redis)/';

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'A circle means that neither side can be read, tested or moved without the other.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'libs-know-no-app',
      comment: 'A library that imports an app cannot serve a second one.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(apps|test|tools)/' },
    },
    {
      name: 'apps-stay-apart',
      comment:
        'Apps are separate programs; what two of them share belongs in a library. Only docs, which documents them, reads all.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: '^apps/docs/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'only-through-the-front-door',
      comment: "A library's index.ts is its whole surface: what lies behind it may change freely.",
      severity: 'error',
      from: { path: '^(apps|libs|test|tools)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/.+', pathNot: ['^libs/[^/]+/index\\.ts$', '^$1/$2/'] },
    },
    {
      name: 'stores-stand-on-the-foundation-only',
      comment: 'The database and Redis rooms serve every other library, so they may depend on none of them.',
      severity: 'error',
      from: { path: stores },
      to: { path: '^libs/', pathNot: [stores, foundation] },
    },
    {
      name: 'limits-know-no-neighbour',
      comment: 'What a client may ask for is decided before anything of its request is understood.',
      severity: 'error',
      from: { path: '^libs/limits/' },
      to: { path: '^libs/', pathNot: ['^libs/limits/', stores, foundation] },
    },
    {
      name: 'the-foundation-stands-on-nothing',
      comment: 'Settings, telemetry and problems are imported by everyone; an arrow up from them would close a circle.',
      severity: 'error',
      from: { path: foundation },
      to: { path: '^libs/', pathNot: foundation },
    },
    {
      name: 'one-room-speaks-to-postgres',
      comment: 'Pool settings, transactions and error mapping have one home.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^libs/database/' },
      to: { path: 'node_modules/(pg|pg-pool|postgres)/' },
    },
    {
      name: 'one-room-speaks-to-redis',
      comment: 'The time budget and the fallback when Redis is away have one home.',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^libs/redis/' },
      to: { path: 'node_modules/ioredis/' },
    },
    {
      name: 'no-test-code-in-production',
      comment: 'A development dependency is not installed where the product runs.',
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
