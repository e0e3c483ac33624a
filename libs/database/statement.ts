/** A statement that every connection prepares once and then only executes. */
export interface Statement {
  /** Unique within the program: two texts under one name would be one statement to Postgres. */
  readonly name: string;
  readonly text: string;
}
