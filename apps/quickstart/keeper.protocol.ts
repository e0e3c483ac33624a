import { type StopStep } from './process.identity';

/** A program for the keeper to run. */
export interface ProgramSpec {
  /** What it is called in messages and in the roster: `postgres`, `redis`, `gateway`, ... */
  name: string;
  command: string;
  args: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Its output is added to this file. */
  logFile: string;
  /** Written to its standard input, which is then closed: keeps secrets off the command line, which anyone may read. */
  stdin?: string;
  /** Run as this user; as the launcher's if absent. */
  user?: { uid: number; gid: number };
  stop: StopStep[];
}

export interface ProgramExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** What the launcher says to the keeper. */
export type Order = { type: 'spawn'; spec: ProgramSpec } | { type: 'stop' };

/** What the keeper says to the launcher. */
export type News = { type: 'failed'; name: string; message: string } | ({ type: 'exited'; name: string } & ProgramExit);
