import { randomUUID } from 'node:crypto';

import { type Demo } from './demo.seed';

/** Belongs to no record: its fields say so. */
const MISSING_ID = '00000000-0000-4000-8000-000000000404';

/**
 * A command for sh, bash and zsh whose batch shows one success, one missing record, one bad value and one bad id. Its
 * idempotency key is new each time, so that pasting it replays only what was pasted from the same start.
 */
export function demoCurl(gatewayUrl: string, demo: Demo): string {
  const [first, second] = demo.records;
  const items = [
    { id: first, default: { stage: 'won', employees: 250 } },
    { id: MISSING_ID, default: { stage: 'won' } },
    { id: second, default: { employees: 'a few' } },
    { id: 'not-a-uuid', default: { stage: 'won' } },
  ];
  // Pasted between single quotes: nothing in it may hold one.
  const body = `{"items": [\n    ${items.map((item) => JSON.stringify(item)).join(',\n    ')}\n  ]}`;
  return [
    `curl -sSi -w '\\n' '${gatewayUrl}/v2/prism/${demo.team}/organization/batch/update' \\`,
    `  -H 'content-type: application/json' \\`,
    `  -H 'x-api-key: ${demo.apiKey}' \\`,
    `  -H 'idempotency-key: try-${randomUUID().slice(0, 8)}' \\`,
    `  -d '${body}'`,
  ].join('\n');
}
