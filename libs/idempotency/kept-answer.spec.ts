import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeptAnswer, packAnswer, unpackAnswer } from './kept-answer';

const ANSWER: KeptAnswer = { status: 201, headers: { etag: '"1"', location: '/a' }, body: '{"a":"ü\\n"}\n' };

function pack(answer: KeptAnswer): Buffer {
  const packed = packAnswer(answer);
  if (packed === undefined) throw new Error('it is not too long');
  return packed;
}

describe('packAnswer and unpackAnswer', () => {
  it('give back what they were given, to the byte', () => {
    expect(unpackAnswer(pack(ANSWER))).toEqual(ANSWER);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (body) => {
        expect(unpackAnswer(pack({ ...ANSWER, body }))).toEqual({ ...ANSWER, body });
      }),
    );
  });

  it('leave a small part of a batch answer', () => {
    const entry = '{"id":"182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e","status":"ok","record":{"default":{"name":"Acme"}}}';
    const body = `[${Array.from({ length: 100 }, () => entry).join()}]`;
    expect(pack({ ...ANSWER, body }).length).toBeLessThan(body.length / 8);
  });

  it('keep no answer that is too long for the time budget of Redis', () => {
    expect(packAnswer({ ...ANSWER, body: 'a'.repeat(1_048_576) })).toBeUndefined();
    const long = { ...ANSWER, body: '€'.repeat(1_000_000) };
    expect(unpackAnswer(pack(long))).toEqual(long);
  });

  it('read no damaged bytes', () => {
    const packed = pack(ANSWER);
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(packed);
        damaged.writeUInt8(damaged.readUInt8(at) ^ change, at);
        const answer = unpackAnswer(damaged);
        // The header of the format has bits that mean nothing to the reader.
        if (answer !== undefined) expect(answer).toEqual(ANSWER);
      }),
    );
    for (let length = 0; length < packed.length; length++) {
      expect(unpackAnswer(packed.subarray(0, length))).toBeUndefined();
    }
  });

  it.each([
    ['no line', ''],
    ['no JSON', 'x\nbody'],
    ['null', 'null\nbody'],
    ['another format', '{"format":2,"status":200,"headers":{}}\nbody'],
    ['no status', '{"format":1,"headers":{}}\nbody'],
    ['no headers', '{"format":1,"status":200}\nbody'],
    ['headers that are no strings', '{"format":1,"status":200,"headers":{"a":1}}\nbody'],
  ])('read nothing that another version may have written: %s', (_, text) => {
    expect(unpackAnswer(deflateSync(text))).toBeUndefined();
  });
});
