/** The number of characters after which a piece is emitted. Longer pieces would take many times their size in memory. */
const PIECE_LENGTH = 65_536;

/** An object or array that is partly written. */
interface Frame {
  readonly value: object;
  /** Sorted; undefined for an array. */
  readonly names: readonly string[] | undefined;
  readonly length: number;
  next: number;
}

/**
 * Writes canonical JSON (RFC 8785) in pieces: members sorted by UTF-16 code units at every depth, no white space. Extends the
 * RFC by two values: `Infinity`, which the parser returns for an inexact number, is written as `1e999`, and a lone surrogate as
 * its escape sequence.
 */
export class CanonicalJsonWriter {
  private piece = '';
  private readonly frames: Frame[] = [];

  /** @param value what `JSON.parse` returned */
  constructor(
    value: unknown,
    private readonly emit: (piece: string) => void,
  ) {
    this.begin(value);
  }

  /** Writes the next piece. @returns whether there is more to write */
  advance(): boolean {
    let frame = this.frames.at(-1);
    while (frame !== undefined && this.piece.length <= PIECE_LENGTH) {
      this.writeMember(frame);
      frame = this.frames.at(-1);
    }
    this.emit(this.piece);
    this.piece = '';
    return frame !== undefined;
  }

  private writeMember(frame: Frame): void {
    const { names, next } = frame;
    if (next === frame.length) {
      this.piece += names === undefined ? ']' : '}';
      this.frames.pop();
      return;
    }
    frame.next += 1;
    if (next > 0) this.piece += ',';
    if (names === undefined) {
      this.begin((frame.value as unknown[])[next]);
    } else {
      const name = names[next] ?? '';
      this.piece += JSON.stringify(name) + ':';
      // The value is from JSON.parse, so every own property is a JSON value.
      this.begin((frame.value as Record<string, unknown>)[name]);
    }
  }

  private begin(value: unknown): void {
    if (typeof value === 'string') this.piece += JSON.stringify(value);
    else if (typeof value === 'number') this.piece += formatNumber(value);
    else if (typeof value !== 'object' || value === null) this.piece += String(value);
    else if (Array.isArray(value)) {
      this.piece += '[';
      this.frames.push({ value, names: undefined, length: value.length, next: 0 });
    } else {
      const names = Object.keys(value);
      // Most are sorted already, and a check is cheaper than sorting.
      if (!isSorted(names)) names.sort();
      this.piece += '{';
      this.frames.push({ value, names, length: names.length, next: 0 });
    }
  }
}

function formatNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '1e999' : '-1e999';
}

function isSorted(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || (names[i - 1] ?? '') <= name);
}
