import { readFileSync } from 'node:fs';
import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { Pool } from 'pg';
import { sourceFile } from '../../../test/support/repository.files';

const textOf = (name: string): string => readFileSync(sourceFile(`tools/bench/textbook/sql/${name}.sql`), 'utf8');
const statements = { list: textOf('list'), query: textOf('query'), find: textOf('find') };

interface QueryBody {
  query: { filter: [{ stage: { '=': string } }] };
}

/** The bare HTTP baseline of reads: fixed statements, whose results are the responses. */
@Controller('v2/prism/:team/:object')
export class ReadController {
  constructor(@Inject(Pool) private readonly pool: Pool) {}

  @Get()
  @Header('content-type', 'application/json')
  list(@Param('team') team: string, @Param('object') object: string): Promise<string> {
    return this.run('list', [team, object]);
  }

  @Post('query')
  @HttpCode(200)
  @Header('content-type', 'application/json')
  query(@Param('team') team: string, @Param('object') object: string, @Body() { query }: QueryBody): Promise<string> {
    return this.run('query', [team, object, query.filter[0].stage['=']]);
  }

  @Get(':id')
  @Header('content-type', 'application/json')
  find(@Param('team') team: string, @Param('object') object: string, @Param('id') id: string): Promise<string> {
    return this.run('find', [team, object, id]);
  }

  private async run(name: keyof typeof statements, values: string[]): Promise<string> {
    const { rows } = await this.pool.query<{ response: string }>({ name, text: statements[name], values });
    return rows[0]?.response ?? '';
  }
}
