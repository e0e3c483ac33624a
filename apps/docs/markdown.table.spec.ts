import { expect, it } from 'vitest';
import { markdownTable } from './markdown.table';

it('aligns the columns and escapes a pipe', () => {
  expect(
    markdownTable(
      ['A', 'Name'],
      [
        ['1', 'a|b'],
        ['22222', ''],
      ],
    ),
  ).toBe(['| A     | Name |', '| ----- | ---- |', '| 1     | a\\|b |', '| 22222 |      |'].join('\n'));
});
