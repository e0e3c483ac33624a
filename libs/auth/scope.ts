/** The scopes of API keys, in the order in which they are documented and printed. */
export const SCOPES = ['records:read', 'records:write', 'schema:write'] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}
