import { describe, expect, it } from 'vitest';
import { parseTraceparent, formatTraceparent } from './trace.context';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

describe('parseTraceparent', () => {
  it.each([
    ['version 00', `00-${traceId}-${spanId}-01`, 1],
    ['an unsampled parent', `00-${traceId}-${spanId}-00`, 0],
    ['a later version with more fields', `01-${traceId}-${spanId}-03-more`, 3],
  ])('parses %s', (_, header, flags) => {
    expect(parseTraceparent(header)).toEqual({ traceId, spanId, flags });
  });

  it.each([
    ['no header', undefined],
    ['two headers', [`00-${traceId}-${spanId}-01`, `00-${traceId}-${spanId}-01`]],
    ['another format', 'trace'],
    ['upper case', `00-${traceId.toUpperCase()}-${spanId}-01`],
    ['version ff', `ff-${traceId}-${spanId}-01`],
    ['version 00 with more fields', `00-${traceId}-${spanId}-01-more`],
    ['the zero trace id', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['the zero span id', `00-${traceId}-${'0'.repeat(16)}-01`],
  ])('rejects %s', (_, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe('formatTraceparent', () => {
  it('writes a header that is parsed as the same context', () => {
    const context = { traceId, spanId, flags: 1 };
    expect(formatTraceparent(context)).toBe(`00-${traceId}-${spanId}-01`);
    expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  });
});
