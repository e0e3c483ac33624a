import { DatabaseUnavailable } from '#libs/database';

/** What an error says to the person at the terminal; no stack. */
export function messageOf(error: unknown): string {
  if (error instanceof DatabaseUnavailable) {
    const why = error.cause instanceof Error && error.cause.message !== '' ? ` (${error.cause.message})` : '';
    return `the database of DATABASE_URL does not answer${why}; check that Postgres runs there and takes connections`;
  }
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}

/** An error as it is printed: in one line, and without an API key that was pasted where something else belongs. */
export function errorLine(text: string): string {
  return `${text
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/prism_\w+/g, 'prism_...')}\n`;
}
