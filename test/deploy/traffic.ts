import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

export interface TrafficSetup {
  /** The base URL of the load balancer. */
  url: string;
  teamId: string;
  apiKey: string;
  /** Callers that send one batch after the other, each for its own records. */
  callers: { records: string[]; keyed: boolean }[];
}

/** The results of one caller. Every batch patches all of its records. */
export interface CallerReport {
  records: string[];
  keyed: boolean;
  batches: number;
  /** Messages for attempts without `ok` for all items. With a key they are repeated until one succeeds. */
  failures: string[];
}

/** The deadline of a batch, and the lifetime of the claim of a killed gateway. */
const timeoutMs = 3_000;
const backoffMs = 50;

/** Callers that write continuously. */
export class Traffic {
  private readonly stopping = new AbortController();
  private readonly reports: CallerReport[];
  private readonly done: Promise<unknown>;

  constructor(private readonly setup: TrafficSetup) {
    this.reports = setup.callers.map((caller) => ({ ...caller, batches: 0, failures: [] }));
    this.done = Promise.all(this.reports.map((report) => this.run(report)));
  }

  /** Resolves when every caller has completed this many further batches. */
  async waitForBatches(batches = 10): Promise<void> {
    const wanted = this.reports.map((report) => report.batches + batches);
    while (this.reports.some((report, index) => report.batches < (wanted[index] ?? 0))) await sleep(10);
  }

  /** Stops after the batches in flight. */
  async stop(): Promise<CallerReport[]> {
    this.stopping.abort();
    await this.done;
    return this.reports;
  }

  private async run(report: CallerReport): Promise<void> {
    const agent = new Agent({ connections: 1, pipelining: 1 });
    while (!this.stopping.signal.aborted) {
      const headers: Record<string, string> = report.keyed ? { 'idempotency-key': randomUUID() } : {};
      const items = report.records.map((id) => ({ id, default: { name: `Batch ${report.batches}` } }));
      for (;;) {
        const failure = await this.attempt(agent, headers, items);
        if (failure !== undefined) report.failures.push(failure);
        if (failure === undefined || !report.keyed) break;
        await sleep(backoffMs);
      }
      report.batches += 1;
    }
    await agent.close();
  }

  private async attempt(agent: Agent, headers: Record<string, string>, items: object[]): Promise<string | undefined> {
    const { url, teamId, apiKey } = this.setup;
    try {
      const { statusCode, body } = await request(`${url}/v2/prism/${teamId}/organization/batch/update`, {
        method: 'POST',
        dispatcher: agent,
        headers: {
          'x-api-key': apiKey,
          'content-type': 'application/json',
          'x-request-timeout-ms': String(timeoutMs),
          ...headers,
        },
        body: JSON.stringify({ items, options: { return: 'minimal' } }),
      });
      const text = await body.text();
      const { summary } = JSON.parse(text) as { summary?: { succeeded: number } };
      return statusCode === 200 && summary?.succeeded === items.length ? undefined : `${statusCode} ${text}`;
    } catch (error) {
      return String(error);
    }
  }
}
