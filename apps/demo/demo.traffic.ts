import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { DemoCaller } from './demo.caller';

/** The pause between two rounds. A day of traffic adds some hundred thousand rows to the ledger, which retention deletes. */
const PAUSE_MS = 1_000;
const RECORDS = 10;
/** No record has it. */
const MISSING_ID = '00000000-0000-4000-8000-000000000404';
const STAGES = ['lead', 'qualified', 'proposal', 'won'];

/** The traffic of one application: updates, some with invalid items, retries that are replayed, and reads. */
export class DemoTraffic {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly caller: DemoCaller,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.running = this.run();
  }

  /** Resolves when the current round has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let ids: string[] | undefined;
    for (let round = 0; !signal.aborted; round += 1) {
      try {
        ids ??= await this.create();
        await this.send(round, ids);
      } catch (error) {
        // Usually the gateway is unavailable. The next round tries again.
        this.logger.warn({ err: error }, 'a round failed');
      }
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined); // Aborted by stop().
    }
  }

  private async create(): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 1; n <= RECORDS; n += 1) {
      const body = { default: { name: `Demo ${n}`, stage: 'lead' } };
      const created = await this.caller.call('POST', '', { body, key: randomUUID(), status: 201 });
      ids.push((JSON.parse(created) as { id: string }).id); // The response to a create is the record.
    }
    return ids;
  }

  /** The requests depend only on the round. Round 0 sends every kind. */
  private async send(round: number, ids: readonly string[]): Promise<void> {
    const every = (rounds: number): boolean => round % rounds === 0;
    const [first = ''] = ids;
    const stage = STAGES[round % STAGES.length];
    const items = ids.slice(round % RECORDS).map((id) => ({ id, default: { stage } }));

    await this.update(items);
    if (every(2)) await this.updateWithKey(items, every(4));
    if (every(3)) await this.update([...items, { id: MISSING_ID }, { id: first, default: { employees: 'a few' } }]);
    if (every(5)) await this.update([{ id: MISSING_ID }]);
    if (every(2)) await this.caller.call('PATCH', `/${first}`, { body: { default: { employees: round } } });
    for (const id of ids.slice(0, 3)) await this.caller.call('GET', `/${id}`);
    if (every(7)) await this.caller.call('GET', `/${MISSING_ID}`, { status: 404 });
  }

  /** @param retry sends the request twice, as a caller that received no response */
  private async updateWithKey(items: object[], retry: boolean): Promise<void> {
    const key = randomUUID();
    await this.update(items, key);
    if (retry) await this.update(items, key);
  }

  private async update(items: object[], key?: string): Promise<void> {
    await this.caller.call('POST', '/batch/update', { body: { items }, ...(key !== undefined && { key }) });
  }
}
