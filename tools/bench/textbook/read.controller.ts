import { readFileSync } from 'node:fs';
import { Body, Controller, Get, Header, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { Pool } from 'pg';
import { sourceFile } from '../../../test/support/repository.files';

/** A prepared statement whose result is the response. */
export interface ReadStatement {
  readonly name: string;
  readonly text: string;
}

const [LIST, QUERY, FIND] = [statementOf('list'), statementOf('query'), statementOf('find')];

function statementOf(name: string): ReadStatement {
  return { name, text: readFileSync(sourceFile(`tools/bench/textbook/sql/${name}.sql`), 'utf8') };
}

interface QueryBody {
  query: { filter: [{ stage: { '=': string } }] };
}

/** The bare HTTP baseline of reads: fixed statements, whose results are the responses. */
@Controller('v2/prism/:team/:object')
export class ReadController {
  constructor(@Inject(Pool) protected readonly pool: Pool) {}

  @Get()
  @Header('content-type', 'application/json')
  list(@Param('team') team: string, @Param('object') object: string): Promise<string> {
    return this.run(LIST, [team, object]);
  }

  @Post('query')
  @HttpCode(200)
  @Header('content-type', 'application/json')
  query(@Param('team') team: string, @Param('object') object: string, @Body() { query }: QueryBody): Promise<string> {
    return this.run(QUERY, [team, object, query.filter[0].stage['=']]);
  }

  @Get(':id')
  @Header('content-type', 'application/json')
  find(@Param('team') team: string, @Param('object') object: string, @Param('id') id: string): Promise<string> {
    return this.run(FIND, [team, object, id]);
  }

  protected async run(statement: ReadStatement, values: string[]): Promise<string> {
    const { rows } = await this.pool.query<{ response: string }>({ ...statement, values });
    return rows[0]?.response ?? '';
  }
}
