import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../test/support/random';
import type { ImportHistory, ImportRow, ReceivedResponse } from './history';
import type { CallerConnections } from './http.attempt';
import type { SharedRecords } from './shared.records';

export interface ImporterSetup {
  name: string;
  apiKey: string;
  /** The base URLs of both gateways. */
  urls: readonly [string, string];
  records: SharedRecords;
  random: Random;
  connections: CallerConnections;
  /** Every import is appended before it is sent. */
  histories: ImportHistory[];
}

const maxWaitMs = 4_000;
const pollMs = 50;
/** An import of fewer rows is done within the request. */
const rowCount = [100, 350] as const;

/** A caller that imports one list of rows after another: it sends each until there is a job, and reads that until it has ended. */
export class Importer {
  private importCount = 0;

  constructor(private readonly setup: ImporterSetup) {}

  /** Starts imports until the first signal, and waits for the end of the last one until the second signal. */
  async run(newImports: AbortSignal, retries: AbortSignal): Promise<void> {
    while (!newImports.aborted) await this.importNext(retries);
  }

  private async importNext(retries: AbortSignal): Promise<void> {
    const { random, name, records, histories } = this.setup;
    this.importCount += 1;
    const dedupe = random.chance(0.5);
    const ignoreCase = dedupe && random.chance(0.5);
    const rows = nextRows(random, records, dedupe);
    const history: ImportHistory = { key: `${name}-${this.importCount}`, rows };
    histories.push(history);
    const objects = rows.map(({ marker, by }) => ({
      default: {
        name: marker,
        primary_domain: ignoreCase && random.chance(0.5) ? marker.toUpperCase() : marker,
        employees: { _op: 'increment', by },
      },
    }));
    const options = dedupe && { dedupe_by: 'primary_domain', update_existing: true, caseInsensitive: ignoreCase };
    const accepted = await this.sendUntil(202, retries, history, {
      ...{ method: 'POST', path: `/v2/prism/${records.teamId}/organization/import` },
      ...{
        headers: { 'idempotency-key': history.key },
        body: JSON.stringify({ objects, ...(options && { options }) }),
      },
    });
    const path = accepted?.location;
    while (path !== undefined) {
      const shown = await this.sendUntil(200, retries, history, { method: 'GET', path, headers: {} });
      if (shown === undefined) return;
      const job = JSON.parse(shown.body) as ImportHistory['job'] & {}; // the body of a job
      if (job.status !== 'processing') {
        history.job = job;
        return;
      }
      await sleep(pollMs);
    }
  }

  /** Sends until there is a response with the status; undefined if there is another one, which is noted, or at the signal. */
  private async sendUntil(
    status: number,
    retries: AbortSignal,
    history: ImportHistory,
    request: Parameters<CallerConnections['send']>[0],
  ): Promise<ReceivedResponse | undefined> {
    const { random, connections, urls, apiKey } = this.setup;
    while (!retries.aborted) {
      const headers = { 'x-api-key': apiKey };
      const outcome = await connections.send(request, { url: random.pick(urls), maxWaitMs, headers });
      if (typeof outcome !== 'string') {
        if (outcome.status === status) return outcome;
        const again = [429, 503].includes(outcome.status) || outcome.body.includes('"idempotency_key_in_use"');
        if (!again) {
          history.unexpected = `${outcome.status} ${outcome.body.slice(0, 500)}`;
          return undefined;
        }
      }
      await sleep(random.integer(1, 200));
    }
    return undefined;
  }
}

/** @param repeated whether several rows can have one marker */
function nextRows(random: Random, records: SharedRecords, repeated: boolean): ImportRow[] {
  const rows: ImportRow[] = [];
  for (let left = random.integer(...rowCount); left > 0; left--) {
    const marker = repeated && rows.length > 0 && random.chance(0.2) ? random.pick(rows).marker : records.token();
    rows.push({ marker, by: random.integer(1, 9) });
  }
  return rows;
}
