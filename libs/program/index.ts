export { AdminServer, type Readiness } from './admin.server';
export { pause } from './pause';
export { type Program, runProgram } from './run.program';
