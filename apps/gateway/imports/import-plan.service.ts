import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { invalidField } from '#libs/errors';
import {
  CurrentLookups,
  type ImportChunk,
  ImportChunks,
  type ImportItem,
  ImportPlanner,
  maxPlanBytesOf,
  maxRowsOf,
  MIN_JOB_ROWS,
} from '#libs/imports';
import { MissingOptions, type PlannedOption, PropertyDefinitionService } from '#libs/properties';
import type { RecordTarget } from '../http/target.decorator';
import type { WriteCall } from '../http/write.handler';
import type { ImportEnvelope } from './import.envelope';
import { importOptionsOf } from './import.options';

/** The items of an import, and the options to create before they are applied. */
export interface PlannedImport {
  /** Whether the import is done within the request. */
  readonly withinRequest: boolean;
  /** The items of an import that is done within the request; none for a job. */
  readonly items: ImportItem[];
  readonly chunks: readonly ImportChunk[];
  readonly options: readonly PlannedOption[];
}

/** Plans imports by the definitions of the moment. */
@Injectable()
export class ImportPlanService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /**
   * Plans the rows step by step, so that a large body does not block the event loop.
   *
   * @throws RequestError `invalid_request`
   */
  async plan(
    { teamId, objectType }: RecordTarget,
    { objects: rows, options: given }: ImportEnvelope,
    call: WriteCall,
  ): Promise<PlannedImport> {
    const { bodyLimitBytes, itemLimitBytes, responseLimitBytes, unknownProperties } = this.settings;
    checkRowCount(rows.length, maxRowsOf(responseLimitBytes));
    const definitions = await this.properties.definitionsOf(teamId, objectType);
    const mayCreate = given?.create_missing_options === true;
    const usage = await this.properties.usageOf(teamId);
    const missing = mayCreate ? new MissingOptions(objectType, definitions, unknownProperties, usage) : undefined;
    const options = importOptionsOf(given, definitions, missing);
    const validator = (await this.properties.validatorOf(teamId, objectType)).forRequest();
    const limits = { itemLimitBytes, responseLimitBytes, bodyBytes: call.bodyBytes };
    const planner = new ImportPlanner(validator, options, limits, rows.length);
    const withinRequest = rows.length < MIN_JOB_ROWS;
    const items: ImportItem[] = [];
    const chunks = new ImportChunks(maxPlanBytesOf(bodyLimitBytes));
    let planned = 0;
    await call.compute('plan', () => {
      const item = planner.plan(rows[planned]);
      chunks.add(item);
      if (withinRequest) items.push(item);
      planned += 1;
      return planned < rows.length;
    });
    return { withinRequest, items, chunks: chunks.list, options: missing?.planned ?? [] };
  }

  /** The items of an earlier attempt by the current lookups. */
  async refresh({ teamId, objectType }: RecordTarget, items: readonly ImportItem[]): Promise<ImportItem[]> {
    const lookups = new CurrentLookups(await this.properties.definitionsOf(teamId, objectType));
    return items.map((item) => lookups.refresh(item));
  }
}

function checkRowCount(count: number, max: number): void {
  if (count >= 1 && count <= max) return;
  throw invalidField('.body.objects', count === 0 ? 'min_items' : 'max_items', `objects must hold 1 to ${max} rows`);
}
