import { NestLogger } from '#libs/telemetry';

/** Who reports every module and route at each start: nothing that an operator acts on. */
const TALKATIVE: ReadonlySet<unknown> = new Set([
  'InstanceLoader',
  'NestApplication',
  'NestFactory',
  'RouterExplorer',
  'RoutesResolver',
]);

/** Leaves out what Nest says about its own start, unless something is wrong. */
export class StartLogger extends NestLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (!TALKATIVE.has(rest.at(-1))) super.log(message, ...rest);
  }
}
