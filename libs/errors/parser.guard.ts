import type { Duplex } from 'node:stream';

/**
 * Wraps the data listeners of the stream of a client library (ioredis, pg): an exception of its parser destroys the stream with an
 * error instead of ending the process.
 *
 * @param explain returns the error to destroy the stream with
 */
export function failConnectionOnParserError(stream: Duplex, explain: (cause: unknown) => Error): void {
  for (const listener of stream.listeners('data')) {
    stream.off('data', listener as (chunk: Buffer) => void); // a data listener
    stream.on('data', (chunk: Buffer) => {
      try {
        listener.call(stream, chunk);
      } catch (error) {
        stream.destroy(explain(error));
      }
    });
  }
}
