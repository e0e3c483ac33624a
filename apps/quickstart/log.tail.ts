import { existsSync, readFileSync } from 'node:fs';

/** The last lines of the log of a process that failed, indented for an error message; empty if there is no log. */
export function tailOf(log: string): string {
  if (!existsSync(log)) return '';
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-12);
  return `\nthe end of ${log}:\n${lines.map((line) => `  ${line.slice(0, 400)}`).join('\n')}`;
}
