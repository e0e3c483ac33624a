/** The response of a request that writes, as text, and how it was produced. */
export interface WriteResponse {
  readonly status: number;
  /** Names in lower case. `content-type` is added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /**
   * The body that replays send: without `replayed` marks on its items. Undefined if the request is not complete, so that a
   * retry resumes it.
   */
  readonly cacheable?: { readonly body: string } | undefined;
  /** The whole response was taken from the cache or the ledger: nothing was executed. */
  readonly replayed: boolean;
  /** Some items were taken from the ledger, the others were executed. */
  readonly resumed: boolean;
}
