import { DatabaseUnavailable } from '#libs/database';

/** What an error says to the person at the terminal: one line, no stack. */
export function messageOf(error: unknown): string {
  if (error instanceof DatabaseUnavailable) {
    const why = error.cause instanceof Error && error.cause.message !== '' ? ` (${error.cause.message})` : '';
    return `the database of DATABASE_URL does not answer${why}; check that Postgres runs there and takes connections`;
  }
  const text = error instanceof Error && error.message !== '' ? error.message : String(error);
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}
