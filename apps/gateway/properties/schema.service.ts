import { Inject, Injectable } from '@nestjs/common';
import { RequestError } from '#libs/errors';
import type { WriteResponse } from '#libs/idempotency';
import { executeCharged } from '#libs/limits';
import {
  type Deletion,
  type PropertyDefinition,
  type SchemaChange,
  type SchemaPlanner,
  SchemaWriter,
  type WrittenSchema,
} from '#libs/properties';
import { parsePathId } from '../http/path.id';
import type { QueryParameters } from '../http/query.check';
import type { RecordTarget } from '../http/target.decorator';
import type { WriteCall } from '../http/write.handler';
import { errorWriteResponse, writeResponse } from '../http/write.response';
import { wireDefinition } from './property-definition.schema';
import { expectedOf, newOptionOf, newPropertyOf, optionPatchOf, propertyPatchOf } from './schema.input';

/**
 * Creates, changes and deletes property definitions and their options. Each method throws RequestError `invalid_request`,
 * `rate_limited` and `unavailable`. Other errors, such as `not_found`, are responses that a retry with the same key gets again, or
 * are thrown where keys do not apply.
 */
@Injectable()
export class SchemaService {
  constructor(@Inject(SchemaWriter) private readonly writer: SchemaWriter) {}

  async createProperty(target: RecordTarget, body: unknown, call: WriteCall): Promise<WriteResponse> {
    const input = newPropertyOf(body);
    const written = await this.write(target, call, (planner) => planner.createProperty(input));
    return response(written, call.requestId, 201, definitionBody);
  }

  async patchProperty(target: RecordTarget, id: string, body: unknown, call: WriteCall): Promise<WriteResponse> {
    const { patch, expected } = propertyPatchOf(body);
    const propertyId = parsePathId(id);
    const written = await this.write(target, call, (planner) => planner.patchProperty(propertyId, patch, expected));
    return response(written, call.requestId, 200, definitionBody);
  }

  /** @throws RequestError also `property_conflict`, `property_in_use` */
  async deleteProperty(target: RecordTarget, id: string, query: QueryParameters, call: WriteCall): Promise<void> {
    const expected = expectedOf(query);
    const propertyId = parsePathId(id);
    await this.delete(target, call, (planner) => planner.deleteProperty(propertyId, expected));
  }

  async createOption(target: RecordTarget, property: string, body: unknown, call: WriteCall): Promise<WriteResponse> {
    const { option, expected } = newOptionOf(body);
    const propertyId = parsePathId(property);
    const written = await this.write(target, call, (planner) => planner.createOption(propertyId, option, expected));
    return response(written, call.requestId, 201, JSON.stringify);
  }

  async patchOption(
    target: RecordTarget,
    path: { property: string; option: string },
    body: unknown,
    call: WriteCall,
  ): Promise<WriteResponse> {
    const { patch, expected } = optionPatchOf(body);
    const [propertyId, id] = [parsePathId(path.property), parsePathId(path.option)];
    const written = await this.write(target, call, (planner) => planner.patchOption(propertyId, id, patch, expected));
    return response(written, call.requestId, 200, JSON.stringify);
  }

  /** @throws RequestError also `property_conflict`, `property_in_use` */
  async deleteOption(
    target: RecordTarget,
    path: { property: string; option: string },
    query: QueryParameters,
    call: WriteCall,
  ): Promise<void> {
    const expected = expectedOf(query);
    const [propertyId, id] = [parsePathId(path.property), parsePathId(path.option)];
    await this.delete(target, call, (planner) => planner.deleteOption(propertyId, id, expected));
  }

  /** An invalid request is charged when its response is sent. */
  private write(
    target: RecordTarget,
    call: WriteCall,
    decide: (planner: SchemaPlanner) => SchemaChange,
  ): Promise<WrittenSchema> {
    return executeCharged(
      call.quota,
      undefined,
      () => this.writer.write(target, call, decide),
      ({ replayed }) => replayed,
    );
  }

  /** Checks, then looks for records with a value, which can take seconds and locks nothing, then checks again and deletes. */
  private async delete(
    target: RecordTarget,
    call: WriteCall,
    decide: (planner: SchemaPlanner) => SchemaChange<Deletion>,
  ): Promise<void> {
    let deletion: Deletion | undefined;
    const found = await this.write(target, call, (planner) => {
      const change = decide(planner);
      if (change.status === 'error') return change;
      deletion = change.result;
      return { ...change, write: undefined };
    });
    throwError(found);
    if (deletion !== undefined && (await this.writer.isUsed(target, deletion, call))) throw inUse(deletion);
    throwError(await this.writer.write(target, call, decide));
  }
}

function throwError({ entry }: WrittenSchema): void {
  if (entry.status === 'error') throw requestError(entry.error);
}

function inUse({ definition, option }: Deletion): RequestError {
  const what =
    option === undefined
      ? `a value of the property ${definition.slug}`
      : `the option ${option.slug} of ${definition.slug}`;
  const message = `Records, live or deleted, have ${what}. Clear it there first.`;
  return new RequestError('property_in_use', message);
}

function requestError({ code, message }: { code: 'not_found' | 'conflict'; message: string }): RequestError {
  return code === 'not_found' ? new RequestError('not_found') : new RequestError('property_conflict', message);
}

/** The stored result of a create or patch of a property is its definition. */
function definitionBody(result: unknown): string {
  return JSON.stringify(wireDefinition(result as PropertyDefinition));
}

function response(
  { entry, replayed, completedBy }: WrittenSchema,
  requestId: string,
  status: number,
  render: (result: unknown) => string,
): WriteResponse {
  const attempt = { complete: completedBy !== undefined, replayed, resumed: false };
  if (entry.status === 'error') return errorWriteResponse(requestError(entry.error), completedBy ?? requestId, attempt);
  return writeResponse({ status, headers: {}, body: render(entry.result) }, attempt);
}
