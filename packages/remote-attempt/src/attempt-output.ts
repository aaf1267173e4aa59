/** A piece of an attempt's output. `offset` counts the bytes handed over for this attempt from 0. */
export interface OutputChunk {
  offset: number;
  data: Buffer;
  /** It is not of the command: it stands for the part that was left out. */
  mark?: true;
}

/**
 * Turns ranges of the output file on the node into the output that is handed over: the file itself when it is within
 * the limit, else its first half-limit, a line saying how much was left out, and its last half-limit, so that the
 * error message at the end is never lost.
 *
 * What is handed over is a function of the file and the limit alone. Ranges may overlap and may be repeated: every
 * byte is handed over once, in order, starting at `fromOffset`. That is what lets another executor go on where one
 * stopped.
 */
export class AttemptOutput {
  /** How many bytes of the file's beginning are handed over in any case. */
  readonly headBytes: number;
  /** How many bytes of the file's end are handed over when it is cut. */
  readonly tailBytes: number;
  /** The next byte to hand over. */
  position: number;
  private total: number | undefined;
  private mark: Buffer = Buffer.alloc(0);

  constructor(
    private readonly limit: number,
    fromOffset: number,
    private readonly emit: (chunk: OutputChunk) => void,
  ) {
    this.headBytes = Math.ceil(limit / 2);
    this.tailBytes = limit - this.headBytes;
    this.position = fromOffset;
  }

  /** From where in the file the node has to send, to go on while the command still runs. */
  get neededFrom(): number {
    return Math.min(this.position, this.headBytes);
  }

  /** The attempt has ended with so many bytes in its output file. */
  finish(total: number): void {
    this.total = total;
    if (total > this.limit) {
      this.mark = Buffer.from(
        `\n[rigel: ${total - this.limit} bytes left out, the limit is ${this.limit} per step]\n`,
      );
      this.handOverMark();
    }
  }

  get isCut(): boolean {
    return this.total !== undefined && this.total > this.limit;
  }

  /** Whether everything was handed over; false as long as the attempt has not ended. */
  get isComplete(): boolean {
    if (this.total === undefined) return false;
    return this.position >= (this.isCut ? this.limit + this.mark.length : this.total);
  }

  /** Bytes of the output file, beginning at `fileOffset`. */
  range(fileOffset: number, data: Buffer): void {
    if (this.total !== undefined && !this.isCut) {
      this.handOver(fileOffset, data, this.total);
      return;
    }
    this.handOver(fileOffset, data, this.headBytes);
    if (this.total === undefined || !this.isCut) return;
    this.handOverMark();
    const shift = this.headBytes + this.mark.length - (this.total - this.tailBytes);
    if (this.position >= this.headBytes + this.mark.length) {
      this.handOver(fileOffset + shift, data, this.limit + this.mark.length);
    }
  }

  private handOverMark(): void {
    const end = this.headBytes + this.mark.length;
    if (this.position >= this.headBytes && this.position < end) {
      this.handOver(this.headBytes, this.mark, end, true);
    }
  }

  /** Hands over what of `data`, whose first byte stands at `start`, is next and lies before `end`. */
  private handOver(start: number, data: Buffer, end: number, mark = false): void {
    const stop = Math.min(start + data.length, end);
    if (start > this.position || stop <= this.position) return;
    const offset = this.position;
    this.position = stop;
    const part = data.subarray(offset - start, stop - start);
    this.emit(mark ? { offset, data: part, mark } : { offset, data: part });
  }
}
