import { DEFAULT_OPTIONS } from '#libs/records';
import type { ApiResponse } from '../support/api.client';
import type { DuplicateDraft } from './scenario.arbitraries';
import { keyHeaders, type SentCall } from './sent.call';
import type { TeamFixture } from './team.fixture';
import { expectCreated, expectReplay } from './write.expectations';

/** A duplication that can be sent repeatedly. */
export class SentDuplicate implements SentCall {
  private readonly headers: Record<string, string>;
  private first: ApiResponse | undefined;

  constructor(
    private readonly draft: DuplicateDraft,
    private readonly fixture: TeamFixture,
  ) {
    this.headers = keyHeaders(draft.keyed);
  }

  async send(): Promise<void> {
    const { draft, fixture, headers } = this;
    const caller = await fixture.caller();
    const source = fixture.id(draft.target);
    const place = draft.upperCase ? source.toUpperCase() : source;
    const response = await caller.call('POST', caller.path(`organization/${place}/duplicate`), { headers });
    if (draft.keyed && this.first !== undefined) expectReplay(response, this.first);
    else {
      const newId = response.status === 201 ? String(response.body.id) : null;
      const { outcomes } = fixture.model.apply([{ kind: 'duplicate', source, newId }], DEFAULT_OPTIONS);
      expectCreated(caller, response, outcomes[0]);
      this.first = response;
    }
    await fixture.expectTables();
  }
}
