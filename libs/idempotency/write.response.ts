/** What a request that writes comes to: an answer as text, and what may become of it. */
export interface WriteResponse {
  readonly status: number;
  /** Names in lower case. `content-type` is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /**
   * What retries with the same key are answered with: the body without marks of what was taken from the ledger.
   * Absent if the request is not complete, so that a retry resumes it.
   */
  readonly cacheable?: { readonly body: string } | undefined;
  /** Taken whole from the ledger: nothing was executed. */
  readonly replayed: boolean;
  /** Some of it was taken from the ledger, the rest was executed. */
  readonly resumed: boolean;
}
