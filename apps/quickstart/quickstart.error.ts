/** A start that cannot go on, told to the person at the terminal: the message alone, never a stack. */
export class QuickstartError extends Error {
  override readonly name = 'QuickstartError';

  /** @param logFile where the failed program wrote; its last lines are shown with the message. */
  constructor(
    message: string,
    readonly logFile?: string,
  ) {
    super(message);
  }
}
