import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Words that the field has a standard term for. Names must use the term: see CONTRIBUTING.md. */
const NONSTANDARD_NAMES = Object.entries({
  '[Pp]roblem': 'error',
  '[Aa]nswer': 'response',
  '^[Ll]one[A-Z]|^lone$': 'single record',
  'Loan|^lent$|^lend': 'checkout',
  '[Pp]atience|[Ii]mpatien|waitBriefly': 'timeout or retry',
  'TeamWall|^wall': 'row-level security',
  '[Rr]ights|[Ss]trangers': 'grants, unknown',
  isPassing: 'transient',
  '[Tt]ally': 'histogram',
  '[Kk]eeper|[Rr]oster': 'supervisor, pid file',
  '[Hh]angUp|[Hh]ungUp|[Aa]bandon': 'disconnect, canceled',
  '^MOST_|^LONGEST_': 'MAX_',
  OUR_FAULTS: 'server error',
  '^room$|[a-z]Room$': 'permit or capacity',
}).map(([words, term]) => ({ selector: `Identifier[name=/${words}/]`, message: `The standard term is: ${term}.` }));

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '.data/', 'docs/'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,mts}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Nest modules are classes with nothing but a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        ...NONSTANDARD_NAMES,
        { selector: 'PrivateIdentifier', message: 'Private members are declared with `private`.' },
      ],
      // An unhandled rejection ends the process: `void` would only hide that nobody handles it.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
    },
  },
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    ignores: ['**/*.spec.ts', '**/*.fixture.ts'],
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'variable', modifiers: ['const', 'global', 'exported'], format: ['UPPER_CASE'] },
        { selector: 'variable', modifiers: ['const', 'global'], types: ['number', 'string'], format: ['UPPER_CASE'] },
        // Functions and decorators.
        {
          selector: 'variable',
          modifiers: ['const', 'global'],
          types: ['function'],
          format: ['camelCase', 'PascalCase'],
        },
      ],
    },
  },
  {
    // A response is untyped JSON until an assertion checks it: a type would claim what the test is to show.
    files: ['test/**/*.{ts,mts}', 'tools/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', module: 'writable' } },
  },
);
