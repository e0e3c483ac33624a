const HEAD_END = Buffer.from('\r\n\r\n');
const NEXT_RESPONSE = 'H'.charCodeAt(0);

/**
 * Splits the bytes of a connection into HTTP/1.1 responses, and drops their bodies.
 *
 * A response to HEAD announces a length without sending a body. What follows such a head is taken for the next response
 * if it begins with `H`: no body of the gateway does.
 */
export class ResponseReader {
  private rest: Buffer = Buffer.alloc(0);
  /** Bytes of the current body that are still to come. */
  private bodyLeft = 0;
  private bodyBegun = true;

  /** @returns the statuses of the responses whose heads are complete, without 1xx. @throws Error at what is no response */
  read(chunk: Buffer): number[] {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const statuses: number[] = [];
    while (this.rest.length > 0) {
      this.skipBody();
      const end = this.rest.indexOf(HEAD_END);
      if (end < 0) break;
      const head = this.rest.toString('latin1', 0, end);
      this.rest = this.rest.subarray(end + HEAD_END.length);
      const status = this.begin(head);
      if (status >= 200) statuses.push(status);
    }
    return statuses;
  }

  private skipBody(): void {
    if (this.bodyLeft === 0) return;
    if (!this.bodyBegun && this.rest[0] === NEXT_RESPONSE) this.bodyLeft = 0;
    this.bodyBegun = true;
    const skipped = Math.min(this.bodyLeft, this.rest.length);
    this.bodyLeft -= skipped;
    this.rest = this.rest.subarray(skipped);
  }

  private begin(head: string): number {
    const [, code] = /^HTTP\/1\.1 (\d{3})/.exec(head) ?? [];
    if (code === undefined) throw new Error(`no HTTP/1.1 response: ${JSON.stringify(head.slice(0, 200))}`);
    if (/^transfer-encoding:/im.test(head)) throw new Error(`a response in chunks, which this reader does not split`);
    this.bodyLeft = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
    this.bodyBegun = false;
    return Number(code);
  }
}
