import { describe, expect, it } from 'vitest';
import { parseUuid } from './uuid';

const id = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';

describe('parseUuid', () => {
  it.each([
    ['version 4', id],
    ['version 7', '0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
    ['no version at all', '12345678-1234-0234-0234-123456789abc'],
    ['nil', '00000000-0000-0000-0000-000000000000'],
    ['max', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ])('accepts a UUID of %s', (_, uuid) => {
    expect(parseUuid(uuid)).toBe(uuid);
    expect(parseUuid(uuid.toUpperCase())).toBe(uuid);
  });

  it.each([
    '',
    'acme',
    id.slice(1),
    `${id}0`,
    `{${id}}`,
    `urn:uuid:${id}`,
    id.replaceAll('-', ''),
    id.replace('1', 'g'),
    ` ${id}`,
    `${id}\n`,
    null,
    undefined,
    8,
    [id],
    { id },
    `${id}'; DROP TABLE records; --`,
  ])('rejects %j', (value) => {
    expect(parseUuid(value)).toBeUndefined();
  });
});
