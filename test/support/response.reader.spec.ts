import { describe, expect, it } from 'vitest';
import { ResponseReader } from './response.reader';

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';
const headOnly = 'HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n';

function statusesOf(...chunks: string[]): number[] {
  const reader = new ResponseReader();
  return chunks.flatMap((chunk) => reader.read(Buffer.from(chunk)));
}

describe('ResponseReader', () => {
  it('splits responses that arrive together', () => {
    expect(statusesOf(ok + headOnly + ok + 'HTTP/1.1 204 No Content\r\n\r\n' + ok)).toEqual([200, 404, 200, 204, 200]);
  });

  it('splits responses that arrive byte by byte', () => {
    const bytes = Array.from(ok + headOnly + ok);
    expect(statusesOf(...bytes)).toEqual([200, 404, 200]);
  });

  it('skips interim responses', () => {
    expect(statusesOf(`HTTP/1.1 100 Continue\r\n\r\n${ok}`)).toEqual([200]);
  });

  it('rejects bytes that are not a response', () => {
    expect(() => statusesOf(`${ok}garbage\r\n\r\n`)).toThrow('no HTTP/1.1 response');
  });
});
