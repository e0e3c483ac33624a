import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import type { Session } from '../support/session';

/** Concurrent requests, of which a gateway with the settings below rejects the last. */
const TOO_MANY = 8;
/** Settings of a gateway that is easily overloaded: two requests in flight, four queued. */
export const smallGateway = { DATABASE_POOL_SIZE: '2', ADMISSION_MAX_QUEUE_LENGTH: '4' };

export interface TrafficSetup {
  /** Where to send to. */
  url: string;
  teamId: string;
  apiKey: string;
  /** Of a client that may send hardly anything. */
  limitedKey: string;
  /** To hold records, so that their items are `locked`. */
  session: Session;
}

interface Sent {
  key?: string;
  headers?: Record<string, string>;
}

/** A caller that causes nearly every kind of error. */
export class MixedTraffic {
  private stopping = false;
  private running: Promise<void> | undefined;

  constructor(private readonly setup: TrafficSetup) {}

  /** Sends one round after the other until it is stopped. */
  start(): void {
    this.running = this.run();
  }

  /** @throws what ended the rounds before it was asked to stop */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async run(): Promise<void> {
    const ids = await Promise.all(Array.from({ length: 5 }, () => this.create()));
    while (!this.stopping) {
      await this.succeed(ids);
      await this.fail(ids);
      await this.useKeys(ids);
      await this.resume(ids);
      await this.overload(ids);
      await this.sendRejected();
    }
  }

  private async succeed([first = '', ...others]: string[]): Promise<void> {
    await this.create();
    await this.send('GET', `organization/${first}`);
    await this.send('PATCH', `organization/${first}`, { default: { stage: 'won' } });
    await this.update([first, ...others].map((id) => rename(id)));
    await this.update([rename(first)], { options: { dry_run: true } });
  }

  private async fail([first = '']: string[]): Promise<void> {
    const missing = rename(randomUUID());
    await this.update([rename(first), missing]);
    await this.update([missing, { id: 'none' }]);
    await this.update([missing, rename(first)], { options: { on_error: 'stop' } });
    await this.send('POST', 'organization/batch/delete', { ids: [randomUUID()] });
    await this.send('GET', `organization/${randomUUID()}`);
  }

  private async useKeys([first = '', second = '']: string[]): Promise<void> {
    const key = randomUUID();
    await this.update([rename(first)], {}, { key });
    await this.update([rename(first)], {}, { key });
    await this.update([rename(second)], {}, { key });
  }

  /** Locks a record during a batch, and then sends the batch again. */
  private async resume([first = '', second = '']: string[]): Promise<void> {
    const key = randomUUID();
    const { session, teamId } = this.setup;
    await session.hold(teamId, [first]);
    await this.update([rename(first), rename(second)], {}, { key });
    await session.release();
    await this.update([rename(first), rename(second)], {}, { key });
  }

  /** Sends more concurrent requests than a small gateway executes and queues, while the executing ones wait. */
  private async overload([first = '']: string[]): Promise<void> {
    const { session, teamId } = this.setup;
    await session.hold(teamId, [first]);
    await Promise.all(Array.from({ length: TOO_MANY }, () => this.update([rename(first)])));
    await session.release();
  }

  private async sendRejected(): Promise<void> {
    await this.send('POST', 'organization/batch/update', { items: [] });
    await this.send('GET', 'organization', undefined, { headers: { 'x-api-key': 'prism_unknown' } });
    await this.call('GET', '/nowhere');
    for (let i = 0; i < 2; i += 1) {
      await this.send('GET', 'properties', undefined, { headers: { 'x-api-key': this.setup.limitedKey } });
    }
  }

  private async create(): Promise<string> {
    const response = await this.send('POST', 'organization', { default: { name: 'Acme' } });
    return (JSON.parse(response) as { id: string }).id; // a 201, or the next call fails
  }

  private update(items: object[], options: object = {}, sent: Sent = {}): Promise<string> {
    return this.send('POST', 'organization/batch/update', { items, ...options }, sent);
  }

  private send(method: string, path: string, body?: object, sent: Sent = {}): Promise<string> {
    return this.call(method, `/v2/prism/${this.setup.teamId}/${path}`, body, sent);
  }

  private async call(method: string, path: string, body?: object, { key, headers }: Sent = {}): Promise<string> {
    const response = await request(this.setup.url + path, {
      method: method as 'GET',
      headers: {
        'x-api-key': this.setup.apiKey,
        ...(body && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return response.body.text();
  }
}

function rename(id: string): object {
  return { id, default: { name: 'Renamed' } };
}
