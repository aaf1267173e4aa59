import type { Clock } from '@rigel/clock';
import { execution, type OutputPiece, type RpcRequest, ServiceError } from '@rigel/contracts';
import type { CallContext } from '@rigel/messaging';
import type { KeptOutput } from '../step-runner.js';
import type { SchedulerCalls } from './scheduler-calls.js';

/** A piece is sent when this much has come together, or this long after its first byte. */
const PIECE_BYTES = 64 * 1024;
const PIECE_MS = 300;
const RETRY_MS = 500;

/** Output that waits, without gaps. */
interface Waiting {
  offset: number;
  parts: Buffer[];
  bytes: number;
  kept?: KeptOutput;
}

/**
 * Sends the output of one attempt to the scheduler while the command runs, piece after piece. What is left at the end
 * goes along with the report, so a quick command costs no message of its own.
 */
export class OutputSender {
  /** A new one begins where output is left out, or comes once more. */
  private waiting: Waiting[] = [];
  /** Calls off the sending of what waits. */
  private callOff: (() => void) | undefined;
  private sending: Promise<void> | undefined;
  private finished = false;
  private abandoned = false;
  /** A piece was refused: what is left goes along with the report, which settles whose the run is. */
  private refused = false;

  constructor(
    private readonly scheduler: SchedulerCalls,
    private readonly run: Omit<RpcRequest<typeof execution.output>, 'output'>,
    private readonly context: CallContext,
    private readonly clock: Clock,
  ) {}

  add(offset: number, data: Buffer, kept?: KeptOutput): void {
    let last = this.waiting.at(-1);
    if (last === undefined || last.offset + last.bytes !== offset) {
      last = { offset, parts: [], bytes: 0 };
      this.waiting.push(last);
    }
    last.parts.push(data);
    last.bytes += data.length;
    if (kept) this.keep(last, kept);
    if (last.bytes >= PIECE_BYTES) this.flush();
    else this.flushSoon();
  }

  /** Waits for what is under way; returns what is left for the report. */
  async finish(): Promise<OutputPiece | undefined> {
    this.finished = true;
    this.callOff?.();
    await this.sending;
    // One piece goes along with the report; what is before it is sent by itself, also where a piece was refused.
    if (this.waiting.length > 1) this.refused = false;
    while (this.waiting.length > 1 && !this.refused && !this.abandoned) {
      await this.send(this.waiting.shift() as Waiting);
    }
    const last = this.waiting.pop();
    this.waiting = [];
    return last && pieceOf(last);
  }

  /** Nothing more is to be sent: the run is somebody else's now. */
  abandon(): void {
    this.finished = true;
    this.abandoned = true;
    this.callOff?.();
    this.waiting = [];
  }

  /** What waits behind the beginning and is too old to be kept needs no sending: so a slow scheduler is no flood here. */
  private keep(last: Waiting, kept: KeptOutput): void {
    last.kept = kept;
    const from = last.offset + last.bytes - kept.tail;
    this.waiting = this.waiting.filter(
      (piece) => piece.offset < kept.head || piece === last || piece.offset + piece.bytes > from,
    );
    if (last.offset < kept.head) return;
    for (let first = last.parts[0]; first && last.offset + first.length <= from; first = last.parts[0]) {
      last.parts.shift();
      last.offset += first.length;
      last.bytes -= first.length;
    }
  }

  private flushSoon(): void {
    this.callOff ??= this.clock.after(PIECE_MS, () => this.flush());
  }

  private flush(): void {
    this.callOff?.();
    this.callOff = undefined;
    if (this.sending || this.finished || this.refused) return;
    const piece = this.waiting.shift();
    if (piece === undefined) return;
    this.sending = this.send(piece).finally(() => {
      this.sending = undefined;
      const [next] = this.waiting;
      if (next === undefined) return;
      if (next.bytes >= PIECE_BYTES || this.waiting.length > 1) this.flush();
      else if (!this.finished) this.flushSoon();
    });
  }

  /**
   * Sends a piece until it is stored. A refusal says that the lease is over, or comes from a scheduler that stood still
   * and does not know of the lease yet: the piece is kept until the report tells which.
   */
  private async send(piece: Waiting): Promise<void> {
    const output = pieceOf(piece);
    for (;;) {
      try {
        await this.scheduler.call(execution.output, { ...this.run, output }, this.context);
        return;
      } catch (error) {
        if (this.abandoned) return;
        this.refused = !(error instanceof ServiceError && error.code === 'unavailable');
        // Alone, it can go along with the report.
        if (this.refused || (this.finished && this.canFollow(piece))) {
          this.putBack(piece);
          return;
        }
        await this.clock.sleep(RETRY_MS);
      }
    }
  }

  private canFollow(piece: Waiting): boolean {
    const [next, more] = this.waiting;
    return more === undefined && (next === undefined || next.offset === piece.offset + piece.bytes);
  }

  /** The piece goes along with the report. */
  private putBack(piece: Waiting): void {
    const [next] = this.waiting;
    if (next?.offset !== piece.offset + piece.bytes) {
      this.waiting.unshift(piece);
      return;
    }
    next.parts.unshift(...piece.parts);
    next.bytes += piece.bytes;
    next.offset = piece.offset;
  }
}

function pieceOf({ offset, parts, kept }: Waiting): OutputPiece {
  return { offset, data: Buffer.concat(parts).toString('base64'), ...(kept ? { kept } : {}) };
}
