import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

import { type DataFolder } from './data.folder';
import { demoCurl } from './demo.curl';
import { type Demo } from './demo.seed';
import { type Gateway } from './gateway.service';
import { QuickstartError } from './quickstart.error';
import { type Service } from './service';

/** How much of a log is shown when the program that wrote it has ended. */
const LOG_LINES = 12;
const LOG_COLUMNS = 400;

const BOLD = 1;
const DIM = 2;
const RED = 31;
const GREEN = 32;

/** What the person at the terminal reads. */
export class Report {
  private readonly coloured: boolean;

  constructor(
    private readonly folder: DataFolder | undefined,
    env: NodeJS.ProcessEnv,
  ) {
    this.coloured = process.stdout.isTTY && env.NO_COLOR === undefined;
  }

  title(): void {
    this.print(
      '',
      `  ${this.paint(BOLD, 'prism gateway')}  ${this.paint(DIM, 'a first try, on this machine only')}`,
      '',
    );
  }

  postgres(service: Service): void {
    const folder = service.dataFolder;
    this.service('postgres', service, folder === undefined ? 'your database' : `data in ${this.short(folder)}/`);
  }

  redis(service: Service | undefined): void {
    if (service) this.service('redis', service, service.origin === 'given' ? 'your Redis' : 'keeps nothing on disk');
    else this.line('redis', 'none', 'not needed: replays come from Postgres');
  }

  migrated(applied: string[]): void {
    this.line('schema', applied.length === 0 ? 'up to date' : `${applied.length} migrations applied`);
  }

  /** @param readyMs since the program was started. */
  ready(gateway: Gateway, demo: Demo, readyMs: number): void {
    this.line('gateway', this.paint(GREEN, `ready in ${Math.round(readyMs).toLocaleString('en')} ms`));
    for (const note of gateway.notes) this.line('', this.paint(DIM, note));
    this.print('');
    this.line('try it', `${gateway.url}/docs`);
    this.line('metrics', `${gateway.metricsUrl}/metrics`);
    this.line('log', this.logPath('gateway.log'));
    this.print('');
    this.line('team', demo.team);
    this.line('api key', demo.apiKey);
    this.print(
      '',
      '  Four patches in one request, each in its own transaction. One can succeed. Paste into another terminal:',
      '',
    );
    this.print(demoCurl(gateway.url, demo));
    this.print('', '  Paste it again: nothing happens twice, and the answer says idempotent-replay: true.');
    this.print(this.paint(DIM, '  Ctrl-C stops everything. Your data stays for the next start.'), '');
  }

  stopping(): void {
    this.print('', this.paint(DIM, '  stopping ...'));
  }

  stopped(): void {
    this.print(this.paint(DIM, '  stopped; nothing is left running'), '');
  }

  failed(error: unknown): void {
    const known = error instanceof QuickstartError;
    const message = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.print('', `  ${this.paint(RED, message.replaceAll('\n', '\n  '))}`);
    if (known && error.logFile !== undefined) this.tail(error.logFile);
    this.print('');
  }

  private tail(logFile: string): void {
    const lines = lastLines(logFile);
    if (lines.length === 0) return;
    this.print('', this.paint(DIM, `  the end of ${this.short(logFile)}:`));
    for (const line of lines) this.print(`    ${line.length > LOG_COLUMNS ? `${line.slice(0, LOG_COLUMNS)} …` : line}`);
  }

  private service(name: string, service: Service, remark: string): void {
    this.line(name, `${service.version ?? ''} ${service.origin}`.trim(), service.address, remark);
  }

  private line(label: string, ...parts: string[]): void {
    this.print(`  ${this.paint(DIM, label.padEnd(9))} ${parts.join(this.paint(DIM, ' · '))}`);
  }

  private logPath(name: string): string {
    return this.folder ? this.short(this.folder.file(name)) : name;
  }

  private short(path: string): string {
    const fromHere = this.folder ? relative(this.folder.projectRoot, path) : path;
    return fromHere.startsWith('..') ? path : fromHere;
  }

  private paint(code: number, text: string): string {
    return this.coloured && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  private print(...lines: string[]): void {
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}

function lastLines(file: string): string[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').slice(-LOG_LINES);
  } catch {
    return []; // It never came to writing one.
  }
}
