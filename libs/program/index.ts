export { AdminServer, type Readiness } from './admin.server';
export { type Program, runProgram } from './run.program';
