import type { Clock } from '@rigel/clock';
import { execution, type RpcRequest, ServiceError } from '@rigel/contracts';
import type { CallContext } from '@rigel/messaging';
import type { SchedulerCalls } from './scheduler-calls.js';

/** A piece is sent when this much has come together, or this long after its first byte. */
const PIECE_BYTES = 64 * 1024;
const PIECE_MS = 300;
const RETRY_MS = 500;

interface Piece {
  offset: number;
  data: string;
}

/**
 * Sends the output of one attempt to the scheduler while the command runs, piece after piece. What is left at the end
 * goes along with the report, so a quick command costs no message of its own.
 */
export class OutputSender {
  private parts: Buffer[] = [];
  private bytes = 0;
  private start = 0;
  /** Calls off the sending of what waits. */
  private callOff: (() => void) | undefined;
  private sending: Promise<void> | undefined;
  private finished = false;
  /** A piece was refused: what is left goes along with the report, which settles whose the run is. */
  private refused = false;

  constructor(
    private readonly scheduler: SchedulerCalls,
    private readonly run: Omit<RpcRequest<typeof execution.output>, 'output'>,
    private readonly context: CallContext,
    private readonly clock: Clock,
  ) {}

  add(offset: number, data: Buffer): void {
    if (this.parts.length === 0) this.start = offset;
    this.parts.push(data);
    this.bytes += data.length;
    if (this.bytes >= PIECE_BYTES) this.flush();
    else this.flushSoon();
  }

  /** Waits for what is under way; returns what is left for the report. */
  async finish(): Promise<Piece | undefined> {
    this.finished = true;
    this.callOff?.();
    await this.sending;
    return this.bytes > 0 ? this.take() : undefined;
  }

  /** Nothing more is to be sent: the run is somebody else's now. */
  abandon(): void {
    this.finished = true;
    this.callOff?.();
    this.parts = [];
    this.bytes = 0;
  }

  private take(): Piece {
    const piece = { offset: this.start, data: Buffer.concat(this.parts).toString('base64') };
    this.parts = [];
    this.bytes = 0;
    return piece;
  }

  private flushSoon(): void {
    this.callOff ??= this.clock.after(PIECE_MS, () => this.flush());
  }

  private flush(): void {
    this.callOff?.();
    this.callOff = undefined;
    if (this.sending || this.finished || this.refused || this.bytes === 0) return;
    this.sending = this.send(this.take()).finally(() => {
      this.sending = undefined;
      if (this.bytes >= PIECE_BYTES) this.flush();
      else if (this.bytes > 0 && !this.finished) this.flushSoon();
    });
  }

  /**
   * Sends a piece until it is stored. A refusal says that the lease is over, or comes from a scheduler that stood still
   * and does not know of the lease yet: the piece is kept until the report tells which.
   */
  private async send(output: Piece): Promise<void> {
    for (;;) {
      try {
        await this.scheduler.call(execution.output, { ...this.run, output }, this.context);
        return;
      } catch (error) {
        this.refused = !(error instanceof ServiceError && error.code === 'unavailable');
        if (this.refused || this.finished) {
          this.putBack(output);
          return;
        }
        await this.clock.sleep(RETRY_MS);
      }
    }
  }

  /** The piece goes along with the report. */
  private putBack(output: Piece): void {
    const data = Buffer.from(output.data, 'base64');
    this.parts.unshift(data);
    this.bytes += data.length;
    this.start = output.offset;
  }
}
