import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { styleText } from 'node:util';

import { demoCurl } from './demo.curl';
import type { DemoData } from './demo.data';
import type { Gateway } from './gateway.service';
import { QuickstartError } from './quickstart.error';
import type { Service } from './service';

/** How much of the log of a failed process is shown. */
const LOG_LINES = 12;
const LOG_COLUMNS = 400;

export function reportPostgres(service: Service): void {
  const { dataFolder } = service;
  reportService('postgres', service, dataFolder === undefined ? 'your database' : `data in ${short(dataFolder)}/`);
}

export function reportRedis(service: Service | undefined): void {
  if (!service) printLine('redis', 'none · not required: Postgres stores the responses that are replayed');
  else reportService('redis', service, service.origin === 'given' ? 'your Redis' : 'writes nothing to disk');
}

export function reportMigrations(applied: readonly string[]): void {
  printLine('schema', applied.length === 0 ? 'up to date' : `${applied.length} files applied`);
}

export function reportReady(gateway: Gateway, demo: DemoData, gatewayLog: string): void {
  printLine('gateway', `ready in ${Math.round(performance.now()).toLocaleString('en')} ms`);
  print('');
  printLine('try it', `${gateway.url}/docs`);
  printLine('metrics', `${gateway.metricsUrl}/metrics`);
  printLine('log', short(gatewayLog));
  print('');
  printLine('team', demo.team);
  printLine('api key', demo.apiKey);
  print(
    '',
    '  Four patches in one request, each in its own transaction. One of them can succeed. Paste into another terminal:',
    '',
    demoCurl(gateway.url, demo),
    '',
    '  Paste it again: no patch is applied twice, and the response has the header idempotent-replay: true.',
    '  Ctrl-C stops everything. Your data is kept for the next start.',
    '',
  );
}

/** Prints the message of a {@link QuickstartError} with the end of its log, and any other error with its stack trace. */
export function reportFailure(error: unknown): void {
  const known = error instanceof QuickstartError;
  const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  print('', `  ${styleText('red', message.replaceAll('\n', '\n  '))}`, '');
  if (!known || error.logFile === undefined || !existsSync(error.logFile)) return;
  const lines = readFileSync(error.logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES);
  print(`  the end of ${short(error.logFile)}:`, ...lines.map((line) => `    ${line.slice(0, LOG_COLUMNS)}`), '');
}

export function print(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function reportService(label: string, { version = '', origin, url }: Service, remark: string): void {
  printLine(label, `${version} ${origin}`.trim(), new URL(url).host, remark);
}

function printLine(label: string, ...parts: string[]): void {
  print(`  ${label.padEnd(9)} ${parts.join(' · ')}`);
}

function short(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}
