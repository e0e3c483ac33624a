import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CachedResponse, packResponse, unpackResponse } from './cached-response';

const RESPONSE: CachedResponse = {
  status: 201,
  headers: { etag: '"1"', location: '/v2/prism/a' },
  body: '{"a":"ü\\n"}\n',
};

function pack(response: CachedResponse): Buffer {
  const packed = packResponse(response);
  if (packed === undefined) throw new Error('it is not too long');
  return packed;
}

describe('packResponse and unpackResponse', () => {
  it('return the same response, byte for byte', () => {
    expect(unpackResponse(pack(RESPONSE))).toEqual(RESPONSE);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (body) => {
        expect(unpackResponse(pack({ ...RESPONSE, body }))).toEqual({ ...RESPONSE, body });
      }),
    );
  });

  it('compress a batch response to a small part of its size', () => {
    const entry = '{"id":"182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e","status":"ok","record":{"default":{"name":"Acme"}}}';
    const body = `[${Array.from({ length: 100 }, () => entry).join()}]`;
    expect(pack({ ...RESPONSE, body }).length).toBeLessThan(body.length / 8);
  });

  it('do not cache a response that is too long to be compressed at once', () => {
    expect(packResponse({ ...RESPONSE, body: 'a'.repeat(262_144) })).toBeUndefined();
    const long = { ...RESPONSE, body: '€'.repeat(250_000) };
    expect(unpackResponse(pack(long))).toEqual(long);
  });

  it('return nothing for damaged bytes', () => {
    const packed = pack(RESPONSE);
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(packed);
        damaged.writeUInt8(damaged.readUInt8(at) ^ change, at);
        const response = unpackResponse(damaged);
        // The header of the format has bits that mean nothing to the reader.
        if (response !== undefined) expect(response).toEqual(RESPONSE);
      }),
    );
    for (let length = 0; length < packed.length; length++) {
      expect(unpackResponse(packed.subarray(0, length))).toBeUndefined();
    }
  });

  it('do not cache a response that would be rejected when it is read', () => {
    expect(packResponse({ ...RESPONSE, status: 400 })).toBeUndefined();
    expect(packResponse({ ...RESPONSE, headers: { 'x-request-id': 'a' } })).toBeUndefined();
  });

  it.each([
    ['no line', ''],
    ['no JSON', 'x\nbody'],
    ['null', 'null\nbody'],
    ['another format', '{"format":2,"status":200,"headers":{}}\nbody'],
    ['no status', '{"format":1,"headers":{}}\nbody'],
    ['no headers', '{"format":1,"status":200}\nbody'],
    ['headers that are no strings', '{"format":1,"status":200,"headers":{"etag":1}}\nbody'],
    ['headers that are no object', '{"format":1,"status":200,"headers":[]}\nbody'],
    ['a status that no execution has', '{"format":1,"status":302,"headers":{}}\nbody'],
    ['a status that is no integer', '{"format":1,"status":200.5,"headers":{}}\nbody'],
    ['a header that is not replayed', '{"format":1,"status":200,"headers":{"set-cookie":"a=b"}}\nbody'],
    ['a header that every object inherits', '{"format":1,"status":200,"headers":{"constructor":"a"}}\nbody'],
    ['another content type', '{"format":1,"status":200,"headers":{"content-type":"text/html"}}\nbody'],
    ['an etag with a line break', '{"format":1,"status":200,"headers":{"etag":"\\"1\\"\\r\\nx: y"}}\nbody'],
    ['a location elsewhere', '{"format":1,"status":201,"headers":{"location":"https://a.example/"}}\nbody'],
  ])('return nothing for a response that is forged or written by another version: %s', (_, text) => {
    expect(unpackResponse(deflateSync(text))).toBeUndefined();
  });
});
