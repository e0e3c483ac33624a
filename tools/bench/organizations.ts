import { type Settings } from '#libs/config';
import { type Database } from '#libs/database';
import { Deadline } from '#libs/limits';
import { type ItemValidator, PropertyDefinitionRepository, PropertyDefinitionService } from '#libs/properties';
import { DEFAULT_OPTIONS, planCreate, type PlanItem, RecordRepository } from '#libs/records';

export const recordCount = 100_000;

/** Prefix of record ids, followed by the record's number as 12 hexadecimal digits. A UUIDv7, like the ids of the product. */
export const idPrefix = '01900000-0000-7000-8000-';

const batchSize = 500;
const loaders = 4;
const batchBudgetMs = 60_000;
const stages = ['lead', 'qualified', 'proposal', 'won', 'lost'];
const regions = ['north', 'south', 'east', 'west'];
export const notes =
  'Met at the fair; they run their own fleet and want a quote for it before the summer is over. Call...';

export function idOf(number: number): string {
  return idPrefix + number.toString(16).padStart(12, '0');
}

/** About 300 bytes of JSON, 100 of them notes. */
export function organizationOf(number: number): Record<string, unknown> {
  return {
    name: `Organization ${number} of the Northern Trade Registry`,
    primary_domain: `organization-${number}.example.com`,
    employees: (number * 7919) % 100_000,
    stage: stages[number % stages.length],
    tags: ['customer', `region-${regions[number % regions.length] ?? ''}`, `since-${2000 + (number % 26)}`],
    notes,
  };
}

/** Records of a team by number, `to` excluded. */
export interface Range {
  teamId: string;
  from: number;
  to: number;
}

/**
 * Creates the records with the validator and the write path of the product.
 *
 * @throws Error if one of them is rejected
 */
export async function loadOrganizations(
  database: Database,
  settings: Settings,
  { teamId, from, to }: Range,
  signal: AbortSignal,
): Promise<void> {
  const properties = new PropertyDefinitionService(new PropertyDefinitionRepository(database), settings);
  const validator = await properties.validatorOf(teamId, 'organization');
  const records = new RecordRepository(database, settings);
  let next = from;
  const load = async (): Promise<void> => {
    for (let first = next; first < to; first = next) {
      signal.throwIfAborted();
      next = Math.min(first + batchSize, to);
      const items = Array.from({ length: next - first }, (_, index) => creationOf(first + index, validator));
      const options = { ...DEFAULT_OPTIONS, return: 'minimal' } as const;
      const plan = { operation: 'create', teamId, objectType: 'organization', items, options } as const;
      const { outcomes } = await records.apply(plan, { deadline: Deadline.in(batchBudgetMs) });
      const failed = outcomes.find(({ code }) => code !== undefined);
      if (failed) throw new Error(`a record was not created: ${failed.entry}`);
    }
  };
  await Promise.all(Array.from({ length: loaders }, load));
}

function creationOf(number: number, validator: ItemValidator): PlanItem {
  const validation = validator.create({ default: organizationOf(number) });
  if ('errors' in validation) throw new Error(`organization ${number} is invalid: ${validation.code}`);
  return planCreate(idOf(number), validation.change);
}
