import { expect, vi } from 'vitest';
import { DatabaseUnavailable } from '#libs/database';
import { ImportRequestRepository } from '#libs/imports';
import { DEFAULT_OPTIONS } from '#libs/records';
import type { ApiResponse } from '../support/api.client';
import { ImportModel } from './import.model';
import type { ImportDraft } from './scenario.arbitraries';
import { keyHeaders, type SentCall } from './sent.call';
import type { TeamFixture } from './team.fixture';
import { expectImported, expectReplay, rowResult } from './write.expectations';

/** An import that can be sent repeatedly. */
export class SentImport implements SentCall {
  private readonly headers: Record<string, string>;
  /** The results of the first attempt with a key, and its response, unless that was lost. */
  private first: { results: unknown[]; response?: ApiResponse } | undefined;

  constructor(
    private readonly draft: ImportDraft,
    private readonly fixture: TeamFixture,
  ) {
    this.headers = keyHeaders(draft.keyed);
  }

  async send(): Promise<void> {
    const { draft, fixture, headers } = this;
    const caller = await fixture.caller();
    const body = { objects: draft.objects.map(({ row }) => row), options: draft.options };
    const send = (): Promise<ApiResponse> => caller.call('POST', caller.path('organization/import'), { body, headers });
    const { objects, options } = JSON.parse(JSON.stringify(draft)) as ImportDraft;
    const model = new ImportModel({ objects, options }, fixture.model, fixture.options);
    if (model.isInvalid) {
      const response = await send();
      expect([response.status, response.body.error?.code]).toEqual([400, 'invalid_request']);
    } else if (this.first === undefined) await this.execute(send, model);
    else {
      const response = await send();
      if (this.first.response !== undefined) expectReplay(response, this.first.response);
      else expectImported(response, this.first.results);
      this.first.response = response;
    }
    await fixture.expectTables();
    await fixture.expectOptions();
  }

  private async execute(send: () => Promise<ApiResponse>, model: ImportModel): Promise<void> {
    const { draft, fixture } = this;
    const { items, options } = model.plan();
    const isLost = draft.keyed && draft.interrupted;
    const complete = vi.spyOn(fixture.environment.gateway.app.get(ImportRequestRepository), 'completeRequest');
    let lost = '{}';
    if (isLost) {
      complete.mockImplementationOnce((_teamId, _jobId, _key, body) => {
        lost = body;
        return Promise.reject(new DatabaseUnavailable('connection'));
      });
    }
    const response = await send();
    complete.mockRestore();
    const body = (isLost ? JSON.parse(lost) : response.body) as { results?: { id: string | null }[] };
    const ids = (body.results ?? []).map(({ id }) => id);
    for (const [place, item] of items.entries()) item.newId = ids[place] ?? null;
    const { outcomes } = fixture.model.apply(items, { ...DEFAULT_OPTIONS, return: 'minimal' });
    fixture.options = options;
    const results = outcomes.map(rowResult);
    if (isLost) expect([response.status, response.body.error?.code]).toEqual([503, 'unavailable']);
    else expectImported(response, results);
    if (draft.keyed) this.first = { results, ...(!isLost && { response }) };
  }
}
