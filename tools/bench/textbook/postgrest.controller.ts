import { Controller } from '@nestjs/common';
import { ReadController, type ReadStatement } from './read.controller';

/** The settings that PostgREST applies to each transaction, before its statement. */
const SETTINGS = {
  name: 'settings',
  text: `SELECT set_config('search_path', $1, true), set_config('role', $2, true), set_config('request.jwt.claims', $3, true),
                set_config('request.method', $4, true), set_config('request.path', $5, true),
                set_config('request.headers', $6, true), set_config('request.cookies', $7, true)`,
};

/**
 * The same reads as PostgREST executes them: in a transaction of their own, with the role and the claims of the caller as its settings.
 * Also without validation, authentication and limits.
 */
@Controller('postgrest/v2/prism/:team/:object')
export class PostgrestController extends ReadController {
  protected override async run(statement: ReadStatement, values: string[]): Promise<string> {
    const client = await this.pool.connect();
    try {
      await client.query('START TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY');
      const claims = JSON.stringify({ role: 'postgres', team: values[0] });
      await client.query({ ...SETTINGS, values: ['public', 'postgres', claims, 'GET', '/records', '{}', '{}'] });
      const { rows } = await client.query<{ response: string }>({ ...statement, values });
      await client.query('COMMIT');
      return rows[0]?.response ?? '';
    } finally {
      client.release();
    }
  }
}
