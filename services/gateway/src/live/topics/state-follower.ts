import { createHash } from 'node:crypto';
import { ServiceError } from '@rigel/contracts';
import type { Logger } from 'pino';
import type { StateSource } from './topic.js';

/** The pause before a service that did not answer is asked again. */
const RETRY_MS = 1_000;
/** Members that grow with the clock: a state in which only they differ has not changed. */
const GROWING = /"duration_ms":\d+/g;
/** Most bytes of a state that is sent; a client reads a larger one itself. */
const MAX_BYTES = 64 * 1024;

/** What a follower knows: the state, or why there is none. */
export type Known =
  | { kind: 'state'; place: string; data: string; at: number }
  | { kind: 'large'; place: string; bytes: number; at: number }
  /** The service does not answer; the state may come later. */
  | { kind: 'away'; reason: string }
  /** There is no such thing (any more). */
  | { kind: 'refused'; reason: string };

/**
 * Follows a state for all streams of this gateway: one read for all of them when it may have changed, at most one each
 * `leastMs`. It keeps the newest state alone. A stream takes that when its client can take it, so a slow client costs
 * nothing here and gets the newest state later.
 */
export class StateFollower {
  private readonly watchers = new Set<() => void>();
  private known: Known | undefined;
  private readonly stopWaking: () => void;
  private readonly regular: NodeJS.Timeout | undefined;
  private timer: NodeJS.Timeout | undefined;
  private reading = false;
  /** It was woken while it read. */
  private again = false;
  private readAt = Number.NEGATIVE_INFINITY;
  private stopped = false;

  constructor(
    private readonly source: StateSource,
    private readonly log: Logger,
  ) {
    this.stopWaking = source.wakeUp(this);
    if (source.everyMs !== undefined) this.regular = setInterval(() => this.wake(), source.everyMs);
    this.wake();
  }

  /** What is known now; undefined = the first read is under way. */
  get latest(): Known | undefined {
    return this.known;
  }

  get isWatched(): boolean {
    return this.watchers.size > 0;
  }

  /** @returns ends it. */
  watch(changed: () => void): () => void {
    this.watchers.add(changed);
    return () => this.watchers.delete(changed);
  }

  /** The state may have changed. */
  wake(): void {
    if (this.stopped) return;
    if (this.reading) {
      this.again = true;
      return;
    }
    this.timer ??= setTimeout(
      () => void this.read(),
      Math.max(0, this.readAt + this.source.leastMs - Date.now()),
    );
  }

  stop(): void {
    this.stopped = true;
    this.stopWaking();
    clearInterval(this.regular);
    clearTimeout(this.timer);
  }

  private async read(): Promise<void> {
    this.timer = undefined;
    this.reading = true;
    this.again = false;
    this.readAt = Date.now();
    const found = await this.ask();
    this.reading = false;
    if (this.stopped) return;
    if (found.kind === 'away') {
      this.timer = setTimeout(() => void this.read(), RETRY_MS);
    } else if (this.again) this.wake();
    if (isSame(this.known, found)) {
      if (this.known && 'at' in this.known && 'at' in found) this.known.at = found.at;
      return;
    }
    this.known = found;
    for (const changed of this.watchers) changed();
  }

  private async ask(): Promise<Known> {
    const at = Date.now();
    try {
      const data = JSON.stringify(await this.source.read());
      const place = createHash('sha256').update(data.replace(GROWING, '')).digest('base64url').slice(0, 10);
      const bytes = Buffer.byteLength(data);
      return bytes > MAX_BYTES ? { kind: 'large', place, bytes, at } : { kind: 'state', place, data, at };
    } catch (error) {
      if (!(error instanceof ServiceError)) {
        this.log.error({ err: error }, 'a gateway could not read the state of a live topic');
        return { kind: 'away', reason: 'internal error' };
      }
      return { kind: error.code === 'unavailable' ? 'away' : 'refused', reason: error.message };
    }
  }
}

function isSame(one: Known | undefined, other: Known): boolean {
  if (one?.kind !== other.kind) return false;
  if ('place' in one && 'place' in other) return one.place === other.place;
  return 'reason' in one && 'reason' in other && one.reason === other.reason;
}
