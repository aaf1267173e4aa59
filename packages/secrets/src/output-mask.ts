/** A piece of an attempt's output; `offset` counts bytes. */
export interface OutputPiece {
  offset: number;
  data: Buffer;
  /** It does not follow the piece before it: a part of the output is left out there, or comes once more. */
  apart?: boolean;
  /** Not of the command. */
  mark?: boolean;
}

/**
 * What output goes through before it leaves the executor. It never changes the place of a byte, so that another
 * executor can go on at a byte.
 */
export interface OutputMask {
  /** How many bytes before the place to go on at have to be seen again. */
  readonly context: number;
  /** The next piece, in order but for one that is `apart`. */
  push(piece: OutputPiece): void;
  /** There is no more: hands on what was kept back. */
  end(): void;
}

type Emit = (offset: number, data: Buffer) => void;

/** For output of commands without secrets. */
export class PlainOutput implements OutputMask {
  readonly context = 0;

  constructor(private readonly emit: Emit) {}

  push({ offset, data }: OutputPiece): void {
    this.emit(offset, data);
  }

  end(): void {}
}

const LINE_END = 0x0a;
const STAR = 0x2a;

/** For output of a command that was given a secret which cannot be known any more: only its line ends are left. */
export class HiddenOutput implements OutputMask {
  readonly context = 0;

  constructor(private readonly emit: Emit) {}

  push({ offset, data, mark }: OutputPiece): void {
    this.emit(offset, mark ? data : Buffer.from(data.map((byte) => (byte === LINE_END ? byte : STAR))));
  }

  end(): void {}
}
