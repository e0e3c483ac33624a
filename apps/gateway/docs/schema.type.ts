import type { ApiResponseSchemaHost } from '@nestjs/swagger';

/** A JSON Schema (2020-12) of the OpenAPI document, or a reference to one. */
export type Schema = ApiResponseSchemaHost['schema'];

/** A reference to a schema of the components. */
export function schemaRef(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** References to response headers, always with `x-request-id`, which every response has. */
export function headerRefs(...names: string[]): NonNullable<ApiResponseSchemaHost['headers']> {
  const documented = new Set(['x-request-id', ...names]);
  documented.delete('content-type'); // The document has it in `content`.
  return Object.fromEntries([...documented].map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
