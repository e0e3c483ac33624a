import { expect, it } from 'vitest';
import { markdownTable } from './markdown-table';

it('aligns the columns and keeps a pipe inside its cell', () => {
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
