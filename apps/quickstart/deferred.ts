/** A promise and its two ends. (`Promise.withResolvers` came after the oldest Node that is supported.) */
export interface Deferred {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

export function deferred(): Deferred {
  let ends: Pick<Deferred, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    ends = { resolve, reject };
  });
  // The executor has run before the constructor returns.
  const { resolve, reject } = ends as unknown as Deferred;
  return { promise, resolve, reject };
}
