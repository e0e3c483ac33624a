/** Whether the process is about to stop: readiness fails, and every answer ends its connection. */
export class Lifecycle {
  #draining = false;

  get draining(): boolean {
    return this.#draining;
  }

  /** There is no way back. */
  drain(): void {
    this.#draining = true;
  }
}
