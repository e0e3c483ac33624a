import { NestLogger } from '#libs/telemetry';

/** Contexts in which Nest logs every module and route at start, which no operator needs. */
const VERBOSE_CONTEXTS: ReadonlySet<unknown> = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);

/** Omits the informational lines of Nest's own start. */
export class StartLogger extends NestLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (!VERBOSE_CONTEXTS.has(rest.at(-1))) super.log(message, ...rest);
  }
}
