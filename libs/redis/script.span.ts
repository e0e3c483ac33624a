import { basename } from 'node:path';
import type { Span } from '#libs/telemetry';
import type { RedisReply } from './redis.reply';

/** Runs a script in a child span. The span has the name of the script, but no keys or arguments. */
export async function inScriptSpan(parent: Span, path: string, run: () => Promise<RedisReply>): Promise<RedisReply> {
  const script = basename(path, '.lua').replace(/-\d+$/, '');
  const summary = `EVALSHA ${script}`;
  const span = parent.child(summary, 'client', {
    'db.system.name': 'redis',
    'db.operation.name': 'EVALSHA',
    'db.query.summary': summary,
    'db.stored_procedure.name': script,
  });
  const reply = await run();
  if (!reply.ok) span.fail(reply.sent ? 'no_response' : 'unavailable');
  span.end();
  return reply;
}
