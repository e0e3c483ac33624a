import { LoggerService } from '@nestjs/common';
import { Level, Logger } from 'pino';

/** Gives what Nest and our own classes log through Nest's `Logger` to pino. An object becomes the members of the line. */
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

  /** Nest passes the context as the last string, and a stack, if there is one, as a string before it. */
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
    const { message, ...others } = line as { message?: unknown }; // any object may have one
    this.logger[level]({ ...members, ...others }, typeof message === 'string' ? message : undefined);
  }
}
