import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { WriteResponse } from '#libs/idempotency';
import { fieldSegment, invalidField, itemError } from '#libs/errors';
import { isObject } from '#libs/json';
import { operandOf, PropertyDefinitionService, type Validation } from '#libs/properties';
import { DEFAULT_OPTIONS, parseEntry, type Plan, planUpsert, type QueryOptions, RecordWriter } from '#libs/records';
import type { RecordTarget } from '../http/target.decorator';
import type { WriteCall } from '../http/write.handler';
import { LookupService } from './lookup.service';
import { requiredEtagOf } from './record.conditions';
import type { RecordEnvelope } from './record.envelope';
import { type LookupPath, type RecordLookup, recordLookupOf, upsertMatchOf } from './record.lookup';
import { fromItemError, locationIn, recordResponse } from './record.response';
import { RecordService } from './record.service';

/** Patches the one record that has a value, or creates it. */
@Injectable()
export class UpsertService {
  constructor(
    @Inject(PropertyDefinitionService) private readonly properties: PropertyDefinitionService,
    @Inject(LookupService) private readonly lookups: LookupService,
    @Inject(RecordService) private readonly records: RecordService,
    @Inject(RecordWriter) private readonly writer: RecordWriter,
  ) {}

  /**
   * @param ifMatch the header; with it, no record is created
   * @param search how to search for the value of a property without a lookup
   * @throws RequestError `invalid_request`, including when that search took too long; `payload_too_large`
   */
  async upsert(
    target: RecordTarget,
    path: LookupPath,
    body: RecordEnvelope,
    ifMatch: string | undefined,
    search: QueryOptions,
    call: WriteCall,
  ): Promise<WriteResponse> {
    this.records.checkSize(call);
    const { teamId, objectType } = target;
    const lookup = recordLookupOf(target, path, await this.properties.definitionsOf(teamId, objectType));
    const match = upsertMatchOf(lookup);
    const validator = await this.properties.validatorOf(teamId, objectType);
    const content = withoutValue(body, lookup);
    const patch = validator.patch(content);
    if ('errors' in patch) throw fromItemError(itemError(patch.code, patch.errors[0]?.message, patch.errors));
    const create: Validation = validator.create({
      ...content,
      default: { ...content.default, [match.slug]: lookup.operand },
    });
    // The transaction searches again, under its lock. This search has a time limit, whose error says how to make it fast.
    if (match.indexed === undefined) await this.lookups.search(lookup.filter, search);

    const upsert = { patch, create, ifMatch: requiredEtagOf(ifMatch), mustExist: ifMatch !== undefined };
    const items = [planUpsert(uuidv7(), match, upsert)];
    const plan: Plan = { ...target, operation: 'upsert', single: true, items, options: DEFAULT_OPTIONS };
    const batch = await this.writer.write(plan, call);
    call.log.setBatch(batch.summary);
    const entry = parseEntry(batch.outcomes[0]?.entry ?? '');
    const isCreated = entry.status === 'ok' && entry.effect === 'created';
    return recordResponse(batch, call.requestId, {
      status: isCreated ? 201 : 200,
      ...(isCreated && { location: locationIn(target) }),
    });
  }
}

/** The blocks of a body, of which `default` lacks the value of the path. */
interface Content {
  readonly default: Readonly<Record<string, unknown>>;
  readonly list?: unknown;
  readonly extended?: unknown;
}

/**
 * The body without the value of the path, which it may repeat.
 *
 * @throws RequestError `invalid_request` if it has another value
 */
function withoutValue(
  { default: block, list, extended }: RecordEnvelope,
  { definition, operand }: RecordLookup,
): Content {
  const { slug } = definition;
  const others = { list, extended };
  if (!isObject(block)) return { ...others, default: {} };
  const given = block[slug];
  const rest = Object.fromEntries(Object.entries(block).filter(([key]) => key !== slug));
  if (given === undefined) return { ...others, default: rest };
  const checked = operandOf(definition, given);
  if ('operand' in checked && checked.operand === operand) return { ...others, default: rest };
  const field = `default${fieldSegment(slug)}`;
  const message = `${field} must be the value of the path, or be left out`;
  throw invalidField(`.body.${field}`, 'mismatch', message);
}
