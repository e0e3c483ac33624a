import type { Duplex } from 'node:stream';

/**
 * Catches exceptions of the client library's parser, which listens to the data of a connection, and closes the connection
 * with an error: its calls fail. Uncaught, the exception would end the process.
 *
 * @param explain returns the error that the connection closes with
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
