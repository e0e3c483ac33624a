import { randomUUID } from 'node:crypto';

import type { DemoData } from './demo.data';

/** No record has it. */
const MISSING_ID = '00000000-0000-4000-8000-000000000404';

/**
 * A curl command for sh, bash and zsh. Its batch shows one success, one missing record, one invalid value and one invalid
 * id. Each start has a new idempotency key, so a paste replays only a request of the same start.
 */
export function demoCurl(gatewayUrl: string, demo: DemoData): string {
  const [first, second] = demo.records;
  const items = [
    { id: first, default: { stage: 'won', employees: 250 } },
    { id: MISSING_ID, default: { stage: 'won' } },
    { id: second, default: { employees: 'a few' } },
    { id: 'not-a-uuid', default: { stage: 'won' } },
  ];
  // The shell reads it between single quotes, so it must not contain one.
  const body = `{"items": [\n    ${items.map((item) => JSON.stringify(item)).join(',\n    ')}\n  ]}`;
  return [
    `curl -sSi -w '\\n' '${gatewayUrl}/v2/prism/${demo.team}/organization/batch/update' \\`,
    `  -H 'content-type: application/json' \\`,
    `  -H 'x-api-key: ${demo.apiKey}' \\`,
    `  -H 'idempotency-key: try-${randomUUID().slice(0, 8)}' \\`,
    `  -d '${body}'`,
  ].join('\n');
}
