/** A piece of an attempt's output. `offset` is its place in the output file on the node. */
export interface OutputChunk {
  offset: number;
  data: Buffer;
  /** The piece does not follow the one before it: bytes between them are missing, or some bytes come again. */
  apart?: true;
  /** The piece is not from the command, but a line after all that the command wrote. */
  mark?: true;
  /** Set once the output is longer than both together: how many bytes of its beginning and of its end to keep. */
  kept?: OutputShares;
}

/** How many bytes of the beginning and of the end of an output are kept, if the output is longer than both together. */
export interface OutputShares {
  headBytes: number;
  tailBytes: number;
}

const DISK_FULL =
  "\n[rigel: the disk of the node was full when the command ended, or its user's quota used up: output may be missing]\n";

/**
 * Turns ranges of the output file on the node into pieces of output, each byte with its offset in the file. The
 * beginning, up to the first half of the limit, has no gaps. After that, while the command runs, the pieces have what
 * the node shows. When the command has ended, they have all bytes that the limit keeps, so that the error message at
 * the end is never lost.
 *
 * Ranges may overlap and repeat. Pieces go forward, except for the end of the file: if a part of it was passed over
 * while the command ran, the whole end comes again, with its offsets. So the output that a store has in the end depends
 * only on the file and the limit, and another executor can go on where one stopped.
 */
export class AttemptOutput {
  /** The offset of the next byte. */
  position: number;
  /** The offset from which there is no gap up to the position. */
  private unbroken: number;
  private shares: OutputShares;
  private total: number | undefined;
  /** The line after the file's last byte. */
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

  /** How many bytes of the file's beginning are kept in any case. */
  get headBytes(): number {
    return this.shares.headBytes;
  }

  /** How many bytes of the file's end are kept if it is cut. */
  get tailBytes(): number {
    return this.shares.tailBytes;
  }

  /** Sets the limit of this attempt, which an executor with another setting may have chosen. */
  settle(shares: OutputShares): void {
    this.shares = shares;
  }

  /** The offset in the file from which the node has to send while the command still runs. */
  get neededFrom(): number {
    return this.position;
  }

  /**
   * The attempt has ended, and its output file has this many bytes.
   * @param full the disk was full: output is missing.
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

  /** Whether all pieces have come; false while the attempt has not ended. */
  get isComplete(): boolean {
    return this.total !== undefined && this.position >= this.total + this.mark.length;
  }

  /** Takes bytes of the output file, from `fileOffset` on. */
  range(fileOffset: number, data: Buffer): void {
    const { total } = this;
    if (total === undefined) {
      this.handOver(fileOffset, data, this.headBytes);
      if (this.position < this.headBytes) return;
      // The node passes over output that comes too fast.
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

  /** Hands over the line after the end, once all before it has been handed over. */
  private close(): void {
    const { total, position, mark } = this;
    if (total === undefined || position < total || position >= total + mark.length) return;
    this.position = total + mark.length;
    this.send({ offset: position, data: mark.subarray(position - total), mark: true });
  }

  /** Goes on at this byte, unless all from there to the position was handed over. */
  private goTo(offset: number): void {
    // No executor passes over any byte of the beginning.
    const unbroken = this.unbroken <= this.headBytes ? 0 : this.unbroken;
    if (unbroken <= offset && offset <= this.position) return;
    this.apart = true;
    this.position = offset;
    this.unbroken = offset;
  }

  /** Hands over the next bytes of `data` before offset `end`; the first byte of `data` has the offset `start`. */
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
