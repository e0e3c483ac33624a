/** An error that the user can act on. The terminal shows its message without a stack trace. */
export class QuickstartError extends Error {
  override readonly name = 'QuickstartError';

  /** @param logFile the log of the process that failed; its last lines are shown below the message */
  constructor(
    message: string,
    readonly logFile?: string,
  ) {
    super(message);
  }
}
