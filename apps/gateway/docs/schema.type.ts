import type { ApiResponseSchemaHost } from '@nestjs/swagger';

/** A JSON Schema (2020-12) of the OpenAPI document: in place, or a reference to a component. */
export type Schema = ApiResponseSchemaHost['schema'];

/** A reference to a schema of `schemas.ts`, by its name. */
export function schemaRef(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** References to the headers of an answer by name; `x-request-id`, which every answer has, is always among them. */
export function headerRefs(...names: string[]): NonNullable<ApiResponseSchemaHost['headers']> {
  const documented = new Set(['x-request-id', ...names]);
  documented.delete('content-type'); // has a place of its own in the document
  return Object.fromEntries([...documented].map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
