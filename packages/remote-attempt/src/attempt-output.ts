/** A piece of an attempt's output. `offset` is its place in the output file on the node. */
export interface OutputChunk {
  offset: number;
  data: Buffer;
  /** It does not follow the chunk before it: bytes between them are left out, or some are handed over again. */
  apart?: true;
  /** It is not of the command: a line that stands behind all that the command wrote. */
  mark?: true;
  /** Once the output is longer than both together: so many bytes of its beginning and of its end are to be kept. */
  kept?: OutputShares;
}

/** How much of an output is kept when it is longer than both together: so much of its beginning, and so much of its end. */
export interface OutputShares {
  headBytes: number;
  tailBytes: number;
}

const DISK_FULL =
  "\n[rigel: the disk of the node was full when the command ended, or its user's quota used up: output may be missing]\n";

/**
 * Turns ranges of the output file on the node into the output that is handed over, each byte at its place in the file: the
 * beginning, up to the first half of the limit, without gaps; behind it, while the command runs, what the node shows of it;
 * and, when it has ended, all that the limit keeps, so that the error message at the end is never lost.
 *
 * Ranges may overlap and may be repeated. What is handed over goes forward, but for the end: where something of that was passed
 * over while the command ran, all of it is handed over once more, with the offsets of the file. So what a store has in the end
 * is a function of the file and the limit alone, and another executor can go on where one stopped.
 */
export class AttemptOutput {
  /** The next byte to hand over. */
  position: number;
  /** From where on there is no gap before the position. */
  private unbroken: number;
  private shares: OutputShares;
  private total: number | undefined;
  /** What stands behind the file's last byte. */
  private mark = Buffer.alloc(0);
  private apart = false;

  constructor(
    limit: number,
    fromOffset: number,
    private readonly emit: (chunk: OutputChunk) => void,
  ) {
    const headBytes = Math.ceil(limit / 2);
    this.shares = { headBytes, tailBytes: limit - headBytes };
    this.position = fromOffset;
    this.unbroken = fromOffset;
  }

  /** How many bytes of the file's beginning are handed over in any case. */
  get headBytes(): number {
    return this.shares.headBytes;
  }

  /** How many bytes of the file's end are handed over when it is cut. */
  get tailBytes(): number {
    return this.shares.tailBytes;
  }

  /** The limit that was settled for this attempt, perhaps by an executor with another setting. */
  settle(shares: OutputShares): void {
    this.shares = shares;
  }

  /** From where in the file the node has to send, to go on while the command still runs. */
  get neededFrom(): number {
    return this.position;
  }

  /**
   * The attempt has ended with so many bytes in its output file.
   * @param full the disk took no more: output is missing.
   */
  finish(total: number, full = false): void {
    this.total = total;
    if (full) this.mark = Buffer.from(DISK_FULL);
    if (this.position >= this.headBytes) {
      this.goTo(this.isCut ? total - this.tailBytes : Math.min(total, this.headBytes));
    }
    this.close();
  }

  get isCut(): boolean {
    return this.total !== undefined && this.total > this.headBytes + this.tailBytes;
  }

  /** Whether everything was handed over; false as long as the attempt has not ended. */
  get isComplete(): boolean {
    return this.total !== undefined && this.position >= this.total + this.mark.length;
  }

  /** Bytes of the output file, beginning at `fileOffset`. */
  range(fileOffset: number, data: Buffer): void {
    const { total } = this;
    if (total === undefined) {
      this.handOver(fileOffset, data, this.headBytes);
      if (this.position < this.headBytes) return;
      // The node passes over what comes too fast.
      if (fileOffset > this.position) this.goTo(fileOffset);
      this.handOver(fileOffset, data, Number.POSITIVE_INFINITY);
      return;
    }
    if (this.isCut && this.position < this.headBytes) {
      this.handOver(fileOffset, data, this.headBytes);
      if (this.position < this.headBytes) return;
      this.goTo(total - this.tailBytes);
    }
    this.handOver(fileOffset, data, total);
    this.close();
  }

  /** Hands over the line behind the end, when all before it was. */
  private close(): void {
    const { total, position, mark } = this;
    if (total === undefined || position < total || position >= total + mark.length) return;
    this.position = total + mark.length;
    this.send({ offset: position, data: mark.subarray(position - total), mark: true });
  }

  /** Goes on at this byte, unless all from there to the position was handed over. */
  private goTo(offset: number): void {
    // Of the beginning no executor passes anything over.
    const unbroken = this.unbroken <= this.headBytes ? 0 : this.unbroken;
    if (unbroken <= offset && offset <= this.position) return;
    this.apart = true;
    this.position = offset;
    this.unbroken = offset;
  }

  /** Hands over what of `data`, whose first byte stands at `start`, is next and lies before `end`. */
  private handOver(start: number, data: Buffer, end: number): void {
    const stop = Math.min(start + data.length, end);
    if (start > this.position || stop <= this.position) return;
    const offset = this.position;
    this.position = stop;
    this.send({ offset, data: data.subarray(offset - start, stop - start) });
  }

  private send(chunk: OutputChunk): void {
    const { apart } = this;
    this.apart = false;
    const known = chunk.offset + chunk.data.length;
    const kept = known > this.headBytes + this.tailBytes ? { kept: this.shares } : {};
    this.emit({ ...chunk, ...(apart ? { apart } : {}), ...kept });
  }
}
