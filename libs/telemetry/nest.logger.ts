import type { LoggerService } from '@nestjs/common';
import type { Level, Logger } from 'pino';

/** Writes the lines of Nest's `Logger` to pino. The members of an object become members of the line. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  /** Nest passes the context as the last string, and a stack trace as a string before it. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    const texts = rest.filter((value) => typeof value === 'string');
    const stack = texts.find((text) => /\n\s+at /.test(text));
    const context = texts.findLast((text) => text !== stack);
    const members = { ...(context !== undefined && { context }), ...(stack !== undefined && { stack }) };
    if (message instanceof Error) this.logger[level]({ ...members, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) this.writeObject(level, members, message);
    else this.logger[level](members, String(message));
  }

  private writeObject(level: Level, members: object, line: object): void {
    const { message, ...others } = line as { message?: unknown }; // An object may have any members.
    this.logger[level]({ ...members, ...others }, typeof message === 'string' ? message : undefined);
  }
}
