/** Characters of a piece of text before it is emitted: a longer one would take many times its size in memory. */
const PIECE_LENGTH = 65_536;

/**
 * Writes JSON as RFC 8785 has it, piece by piece: members sorted by UTF-16 code units at every depth, no white space. Two
 * things that the RFC has no text for are written as well: a number that a double does not hold, which the parser reads as
 * Infinity, as `1e999`, and a lone surrogate as its escape.
 */
export class CanonicalJsonWriter {
  private piece = '';

  constructor(private readonly emit: (piece: string) => void) {}

  /** @param value what `JSON.parse` returned */
  write(value: unknown): void {
    this.value(value);
    this.emit(this.piece);
    this.piece = '';
  }

  private value(value: unknown): void {
    if (typeof value === 'string') this.piece += JSON.stringify(value);
    else if (typeof value === 'number') this.piece += number(value);
    else if (typeof value !== 'object' || value === null) this.piece += String(value);
    else if (Array.isArray(value)) this.array(value);
    else this.object(value);
    if (this.piece.length > PIECE_LENGTH) {
      this.emit(this.piece);
      this.piece = '';
    }
  }

  private array(values: readonly unknown[]): void {
    this.piece += '[';
    for (let i = 0; i < values.length; i++) {
      if (i > 0) this.piece += ',';
      this.value(values[i]);
    }
    this.piece += ']';
  }

  private object(value: object): void {
    const names = Object.keys(value);
    // Most are in order as they come, and to see that costs less than to sort them.
    if (!isSorted(names)) names.sort();
    this.piece += '{';
    let separator = '';
    for (const name of names) {
      this.piece += separator + JSON.stringify(name) + ':';
      separator = ',';
      // Own properties of an object from JSON.parse: plain values under any name.
      this.value((value as Record<string, unknown>)[name]);
    }
    this.piece += '}';
  }
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '1e999' : '-1e999';
}

function isSorted(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || (names[i - 1] ?? '') <= name);
}
