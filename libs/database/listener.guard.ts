import type { Duplex } from 'node:stream';

/**
 * Has an exception in a listener of a connection's data, which is the client library's parser, end that connection and so
 * fail the calls on it. Thrown from a socket's listener, the exception would end the process.
 *
 * @param explain the error that the connection ends with
 */
export function failConnectionOnParserError(stream: Duplex, explain: (cause: unknown) => Error): void {
  for (const listener of stream.listeners('data')) {
    stream.off('data', listener as (chunk: Buffer) => void); // a listener of data
    stream.on('data', (chunk: Buffer) => {
      try {
        listener.call(stream, chunk);
      } catch (error) {
        stream.destroy(explain(error));
      }
    });
  }
}
