import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fingerprint, type FingerprintInput } from './fingerprint';

const TEAM = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';
const PATH = `/v2/prism/${TEAM}/organization/batch/update`;

function fingerprint(rest: Partial<FingerprintInput>): string {
  const hash = new Fingerprint({ method: 'POST', url: PATH, ifMatch: undefined, body: {}, ...rest });
  while (hash.advance());
  return hash.digest().toString('hex');
}

/** What a parser can return: no -0, which JSON writes as 0. */
const json = fc.jsonValue({ maxDepth: 4 }).map((value): unknown => JSON.parse(JSON.stringify(value)));

function bodyPrint(text: string): string {
  return fingerprint({ body: JSON.parse(text) });
}

/** The same JSON with the members of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, reversed(member)]);
  return Object.fromEntries(members.reverse());
}

describe('the fingerprint of a request', () => {
  it('is a SHA-256', () => {
    expect(fingerprint({})).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not depend on the order of members or on white space', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 8 }), (value, indent) => {
        const other = JSON.stringify(reversed(value), undefined, indent);
        expect(bodyPrint(other)).toBe(bodyPrint(JSON.stringify(value)));
      }),
    );
  });

  it('does not depend on how a number or a string is written', () => {
    expect(bodyPrint('[1.0, 1e2, "\\u0041\\/"]')).toBe(bodyPrint('[1,100,"A/"]'));
  });

  it('differs for different bodies', () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        const same = equal(one, other);
        expect(bodyPrint(JSON.stringify(one)) === bodyPrint(JSON.stringify(other))).toBe(same);
      }),
    );
  });

  it.each([
    ['the order of elements', '[1,2]', '[2,1]'],
    ['a number and its text', '[1]', '["1"]'],
    ['null and an absent member', '{"a":null}', '{}'],
    ['null and a number too large for a double', '[null]', '[1e999]'],
    ['two signs of such a number', '[-1e999]', '[1e999]'],
    ['a lone surrogate and another', String.raw`["\ud800"]`, String.raw`["\ud801"]`],
    ['a lone surrogate and the text of its escape', String.raw`["\ud800"]`, String.raw`["\\ud800"]`],
    ['a member of a member and its sibling', '{"a":{"b":1}}', '{"a":{},"b":1}'],
    ['an empty object and an empty array', '{}', '[]'],
  ])('differs for %s', (_, one, other) => {
    expect(bodyPrint(one)).not.toBe(bodyPrint(other));
  });

  it('differs for no body and null', () => {
    expect(fingerprint({ body: undefined })).not.toBe(fingerprint({ body: null }));
  });

  it('differs for different methods, paths, queries, conditions and bodies, and for where one of them ends', () => {
    const inputs: Partial<FingerprintInput>[] = [
      {},
      { method: 'PUT' },
      { url: `${PATH}/` },
      { url: `${PATH}1`, body: undefined },
      { body: undefined },
      { body: 1 },
      { method: `POST${PATH}`, url: '' },
      { url: `${PATH}?a=1` },
      { url: `${PATH}?a=2` },
      { url: `${PATH}?a=1&b=2` },
      { url: `${PATH}?a=2&a=1` },
      { url: `${PATH}?a=1&a=2` },
      { url: `${PATH}%3Fa=1` },
      { url: `/v2/prism/${TEAM}/deal/by/name/${TEAM}` },
      { url: `/v2/prism/${TEAM}/deal/by/name/${TEAM.toUpperCase()}` },
      { url: PATH.replace('organization', 'organization%2Fbatch') },
      { ifMatch: '' },
      { ifMatch: '*' },
      { ifMatch: '"8"' },
      { ifMatch: 'W/"8"' },
      { ifMatch: '"8", "9"' },
      { ifMatch: '8' },
    ];
    expect(new Set(inputs.map(fingerprint)).size).toBe(inputs.length);
  });

  it.each([
    ['a UUID in upper case', { url: PATH.replace(TEAM, TEAM.toUpperCase()) }, {}],
    ['a percent-encoded letter in the path', { url: PATH.replace('batch', '%62atch') }, {}],
    ['a percent-encoded UUID', { url: PATH.replace(TEAM, TEAM.toUpperCase().replace('B', '%42')) }, {}],
    ['the case of an escape', { url: `${PATH}/a%2fb%c3%a9` }, { url: `${PATH}/a%2Fb%C3%A9` }],
    ['an empty query', { url: `${PATH}?` }, {}],
    ['the order of parameters', { url: `${PATH}?b=2&a=1` }, { url: `${PATH}?a=1&b=2` }],
    ['the encoding of parameters', { url: `${PATH}?a=x+y&%62=%7e` }, { url: `${PATH}?b=~&a=x%20y` }],
    ['white space around If-Match', { ifMatch: ' "8"\t' }, { ifMatch: '"8"' }],
  ])('does not depend on %s', (_, one, other) => {
    expect(fingerprint(one)).toBe(fingerprint(other));
  });

  it('is pinned, with its version byte', () => {
    const text = `\u0001PATCH\n/v2/prism/${TEAM}/deal\na=1\n="8"\n{"b":[1.5]}`;
    const input = { method: 'PATCH', url: `/v2/prism/${TEAM}/deal?a=1`, ifMatch: '"8"', body: { b: [1.5] } };
    expect(fingerprint(input)).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('sorts members by UTF-16 code units, digits too', () => {
    // Pinned: a fingerprint outlives the version of the gateway that made it.
    const body = JSON.parse(
      '{"\\u20ac":1,"10":2,"9":3,"\\ud83d\\ude00":4,"\\ufb33":5,"a":{"z":[true,null],"b":"\\n"}}',
    ) as unknown;
    expect(fingerprint({ url: '/v2/prism/t/deal', body })).toBe(
      '8ba58ccd109e6f84fb8c149307b53a5401b9a09b83bfc0df5e1b277f7a4fd46d',
    );
  });
});

/** Deep equality of JSON, in which the order of members does not count. */
function equal(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [ones, others] = [Object.entries(one), new Map(Object.entries(other))];
  return (
    ones.length === others.size && ones.every(([name, member]) => others.has(name) && equal(member, others.get(name)))
  );
}
