import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import type { PropertyDefinitionRepository, StoredTeamRows, TeamRows } from './property-definition.repository';
import { PropertyDefinitionService } from './property-definition.service';

const TEAM = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';
const settings = readSettings({ DATABASE_URL: 'postgres://127.0.0.1/unused' });
const none: TeamRows = { definitions: [], options: [] };
const score: TeamRows = {
  definitions: [
    {
      object_type: 'deal',
      id: 'c0000000-0000-4000-8000-000000000001',
      slug: 'score',
      type: 'num',
      name: 'Score',
      required: false,
      native: false,
      locked: false,
      list_id: null,
      lookup: 'none',
      lookup_state: null,
    },
  ],
  options: [],
};

/** As the repository reads them; `bytes` is 1 MiB for each definition. */
function stored(rows: TeamRows): StoredTeamRows {
  const { definitions, options } = structuredClone(rows);
  const usage = { properties: definitions.length, options: options.length, bytes: definitions.length * 2 ** 20 };
  return { checksum: JSON.stringify(rows), definitions, options, usage };
}

describe('PropertyDefinitionService', () => {
  let rows: TeamRows;
  let findByTeam: ReturnType<typeof vi.fn<PropertyDefinitionRepository['findByTeam']>>;
  let service: PropertyDefinitionService;

  beforeEach(() => {
    vi.useFakeTimers();
    rows = none;
    findByTeam = vi.fn((_team: string, _timeoutMs: number, known?: string) => {
      const read = stored(rows);
      return Promise.resolve(read.checksum === known ? undefined : read);
    });
    const repository = { findByTeam } as Partial<PropertyDefinitionRepository> as PropertyDefinitionRepository; // the service calls nothing else
    service = new PropertyDefinitionService(repository, settings);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('applies a change within 5 s for a team that keeps sending requests', async () => {
    expect((await service.validatorOf(TEAM, 'deal')).patch({ default: { score: 1 } })).toHaveProperty('code');
    rows = score;
    for (let elapsed = 0; elapsed < 5_000; elapsed += 500) {
      vi.advanceTimersByTime(500);
      await service.validatorOf(TEAM, 'deal');
    }
    expect((await service.validatorOf(TEAM, 'deal')).patch({ default: { score: 1 } })).toHaveProperty('change');
    expect((await service.definitionsOf(TEAM, 'deal')).map(({ slug }) => slug)).toContain('score');
  });

  it('applies a change after 5 s for a team that sent no requests', async () => {
    await service.validatorOf(TEAM, 'deal');
    rows = score;
    vi.advanceTimersByTime(5_000);
    expect((await service.validatorOf(TEAM, 'deal')).patch({ default: { score: 1 } })).toHaveProperty('change');
  });

  it('compiles a new validator only if the rows changed', async () => {
    rows = score;
    const before = await service.validatorOf(TEAM, 'deal');
    vi.advanceTimersByTime(5_000);
    expect(await service.validatorOf(TEAM, 'deal')).toBe(before);
    expect(findByTeam).toHaveBeenCalledTimes(2);
    expect(await findByTeam.mock.results[1]?.value).toBeUndefined();
  });

  it('drops the teams used least recently if all have too many definitions to keep', async () => {
    rows = score;
    const teams = Array.from({ length: 30 }, (_, n) => `team ${n}`);
    for (const team of teams) await service.validatorOf(team, 'deal');
    const loads = async (team: string): Promise<number> => {
      const before = findByTeam.mock.calls.length;
      await service.validatorOf(team, 'deal');
      return findByTeam.mock.calls.length - before;
    };
    expect(await loads('team 29')).toBe(0);
    expect(await loads('team 0')).toBe(1);
  });

  it('shares one validator among teams without definitions of their own', async () => {
    const other = '7a3f2c55-6f0b-4a8e-8c0d-5d2e9b1a4f63';
    expect(await service.validatorOf(TEAM, 'deal')).toBe(await service.validatorOf(other, 'deal'));
  });

  it('rejects with the error of the database instead of using definitions older than 5 s', async () => {
    await service.validatorOf(TEAM, 'deal');
    findByTeam.mockRejectedValue(new Error('unavailable'));
    vi.advanceTimersByTime(4_999);
    await expect(service.validatorOf(TEAM, 'deal')).resolves.toBeDefined();
    vi.advanceTimersByTime(1);
    await expect(service.validatorOf(TEAM, 'deal')).rejects.toThrow('unavailable');
  });
});
