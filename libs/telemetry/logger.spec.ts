import { Logger as NestFacade } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { createLogger } from './logger';
import { NestLogger } from './nest.logger';

type Line = Record<string, unknown>;

function logger(level: Parameters<typeof createLogger>[0] = 'trace') {
  const lines: Line[] = [];
  const pino = createLogger(level, { write: (text) => lines.push(JSON.parse(text) as Line) }); // pino writes objects
  return { pino, nest: new NestLogger(pino), lines };
}

describe('createLogger', () => {
  it('writes the level, the time in ISO 8601 and the message, without host and process id', () => {
    const { pino, lines } = logger();
    pino.info({ request_id: 'r' }, 'ready');
    expect(lines).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as unknown, request_id: 'r', msg: 'ready' },
    ]);
  });

  it('redacts secret headers at the top level, in headers and in req.headers', () => {
    const { pino, lines } = logger();
    const headers = { 'x-api-key': 'hunter2', authorization: 'hunter2', 'idempotency-key': 'hunter2', accept: 'yes' };
    pino.info(headers);
    pino.info({ headers });
    pino.info({ req: { headers } });
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(JSON.stringify(lines).match(/yes/g)).toHaveLength(3);
  });

  it('omits lines below its level', () => {
    const { pino, lines } = logger('warn');
    pino.info('no');
    pino.warn('yes');
    expect(lines).toMatchObject([{ msg: 'yes' }]);
  });

  it('writes nothing at the level silent', () => {
    const { pino, lines } = logger('silent');
    pino.fatal('no');
    expect(lines).toEqual([]);
  });
});

describe('NestLogger', () => {
  it('maps the levels of Nest to those of pino', () => {
    const { nest, lines } = logger();
    for (const level of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const) nest[level](level);
    expect(lines.map((line) => [line.level, line.msg])).toEqual([
      ['fatal', 'fatal'],
      ['error', 'error'],
      ['warn', 'warn'],
      ['info', 'log'],
      ['debug', 'debug'],
      ['trace', 'verbose'],
    ]);
  });

  it("writes the context, members, stack and error of a line of Nest's Logger", () => {
    const { nest, lines } = logger();
    const stack = 'Error: x\n    at main.ts:1:1';
    NestFacade.overrideLogger(nest);
    const facade = new NestFacade('Filter');
    facade.log('ready');
    facade.error({ message: 'request failed', request_id: 'r' });
    facade.error('with stack', stack);
    facade.warn(new Error('whole'));
    facade.log(undefined);
    expect(lines).toMatchObject([
      { context: 'Filter', msg: 'ready' },
      { context: 'Filter', msg: 'request failed', request_id: 'r' },
      { context: 'Filter', msg: 'with stack', stack },
      { context: 'Filter', msg: 'whole', err: { type: 'Error', message: 'whole' } },
      { context: 'Filter', msg: 'undefined' },
    ]);
    expect(lines[1]).not.toHaveProperty('message');
  });
});
