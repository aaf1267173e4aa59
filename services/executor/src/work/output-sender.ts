import type { Clock } from '@rigel/clock';
import { execution, type OutputPiece, type RpcRequest, ServiceError } from '@rigel/contracts';
import type { CallContext } from '@rigel/messaging';
import type { KeptOutput } from '../step-runner.js';
import type { SchedulerCalls } from './scheduler-calls.js';

/** A piece is sent when it has this many bytes, or this long after its first byte. */
const PIECE_BYTES = 64 * 1024;
const PIECE_MS = 300;
const RETRY_MS = 500;

/** Output without gaps that has not been sent. */
interface Waiting {
  offset: number;
  parts: Buffer[];
  bytes: number;
  kept?: KeptOutput;
}

/**
 * Sends the output of one attempt to the scheduler while the command runs, piece after piece. The last piece is part of
 * the report, so the output of a quick command costs no message of its own.
 */
export class OutputSender {
  /** The next entry begins where bytes are missing, or come again. */
  private waiting: Waiting[] = [];
  /** Cancels the timer that sends the waiting output. */
  private cancelTimer: (() => void) | undefined;
  private sending: Promise<void> | undefined;
  private finished = false;
  private abandoned = false;
  /** A scheduler refused a piece: the rest is part of the report, whose answer says whether the lease is over. */
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

  /** Waits for the piece that is being sent. @returns the last piece, for the report. */
  async finish(): Promise<OutputPiece | undefined> {
    this.finished = true;
    this.cancelTimer?.();
    await this.sending;
    // The report takes one piece; the pieces before it are sent on their own, even if a piece was refused.
    if (this.waiting.length > 1) this.refused = false;
    while (this.waiting.length > 1 && !this.refused && !this.abandoned) {
      await this.send(this.waiting.shift() as Waiting);
    }
    const last = this.waiting.pop();
    this.waiting = [];
    return last && pieceOf(last);
  }

  /** Sends nothing more: another executor has the run now. */
  abandon(): void {
    this.finished = true;
    this.abandoned = true;
    this.cancelTimer?.();
    this.waiting = [];
  }

  /**
   * Drops waiting output that the scheduler would not keep (neither beginning nor end), so that a slow scheduler costs
   * no memory.
   */
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
    this.cancelTimer ??= this.clock.after(PIECE_MS, () => this.flush());
  }

  private flush(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
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
   * Sends a piece until it is stored. A refusal means that the lease is over, or comes from a scheduler that stood
   * still and does not know the lease yet. So the piece is kept until the answer to the report says which.
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
        // If it is the only piece, the report can take it.
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

  /** Puts a piece back in front of the others, for the report. */
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
