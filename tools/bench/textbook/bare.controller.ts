import { readFileSync } from 'node:fs';
import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { Pool } from 'pg';
import { sourceFile } from '../../../test/support/repository.files';

const text = readFileSync(sourceFile('tools/bench/textbook/sql/update_atomic.sql'), 'utf8');

/** The bare HTTP baseline of writes: no validation, and items cannot fail individually. */
@Controller()
export class BareController {
  constructor(@Inject(Pool) private readonly pool: Pool) {}

  /** The minimum cost of HTTP. */
  @Get('empty')
  empty(): string {
    return '';
  }

  /** The whole batch as one statement, whose result is the response. */
  @Post('v2/prism/:team/:object/batch/atomic')
  @HttpCode(200)
  @Header('content-type', 'application/json')
  async atomic(
    @Param('team') team: string,
    @Param('object') object: string,
    @Body() { items }: { items: unknown[] },
  ): Promise<string> {
    const values = [team, object, JSON.stringify(items)];
    const { rows } = await this.pool.query<{ results: string; count: number }>({ name: 'atomic', text, values });
    const [{ results, count } = { results: '', count: 0 }] = rows;
    const summary = { total: items.length, succeeded: count, failed: items.length - count };
    return `{"results":[${results}],"summary":${JSON.stringify(summary)}}`;
  }
}
