export { MetricsServer, type Readiness } from './metrics.server';
export { type Program, runProgram } from './run.program';
