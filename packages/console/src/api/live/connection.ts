import { EventParser } from './event-stream.js';
import { keyOf, type LiveMessage, type LiveState, type LiveStatus } from './protocol.js';

/** The gateway says something every 2 s. */
const SILENT_MS = 7_000;
/** A gateway that refuses streams, or a proxy that keeps them to itself, is asked again after so long. */
const REFUSED_MS = 15_000;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 8_000;
/** Changes of what is followed that come together make one new stream. */
const GATHER_MS = 40;
/** How long a stream catches up at most, before it counts as live: a topic may have nothing to say. */
const CATCH_UP_MS = 3_000;

export interface ConnectionOptions {
  fetch: typeof fetch;
  message: (message: LiveMessage) => void;
  status: (status: LiveStatus) => void;
}

/**
 * One stream of all topics that this browser follows. It goes on after the last event that it has received, at any
 * gateway; what it follows may change at any time.
 */
export class Connection {
  private root = '';
  private topics: readonly string[] = [];
  /** Topics that this gateway does not have, until the topics change. */
  private readonly unknown = new Set<string>();
  private lastId: string | undefined;
  private current: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private silences = 0;
  private known: LiveStatus = { state: 'off', heardAt: 0 };

  constructor(private readonly options: ConnectionOptions) {}

  get status(): LiveStatus {
    return this.known;
  }

  /** Follows these topics from now on; a topic may begin at a place: `output:17@1.1.0`. */
  follow(root: string, topics: readonly string[]): void {
    const same = root === this.root && topics.join() === this.topics.join();
    if (same) return;
    this.root = root;
    this.topics = topics;
    this.unknown.clear();
    this.begin(GATHER_MS);
  }

  /** Begins the stream again unless something was heard of it lately: after a sleep of the machine, say. */
  check(): void {
    if (this.topics.length === 0 || Date.now() - this.known.heardAt < SILENT_MS) return;
    this.say('reconnecting');
    this.begin(0);
  }

  close(): void {
    this.topics = [];
    this.end();
  }

  private begin(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run(), afterMs);
  }

  private end(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.current?.abort();
    this.current = undefined;
  }

  private async run(): Promise<void> {
    this.end();
    const wanted = this.topics.filter((topic) => !this.unknown.has(keyOf(topic)));
    if (wanted.length === 0) {
      this.say('off');
      return;
    }
    const current = new AbortController();
    this.current = current;
    if (this.known.state === 'off') this.say('connecting');
    this.watch(current);
    const again = await this.read(wanted, current.signal).catch(() => 'lost' as const);
    // Another run has taken over.
    if (this.current !== current) return;
    this.end();
    if (again === 'refused') {
      this.say('polling');
      this.begin(REFUSED_MS);
    } else if (again === 'other topics') this.begin(0);
    else {
      this.failures++;
      this.say(this.silences > 1 ? 'polling' : 'reconnecting');
      const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.failures - 1));
      // Many browsers lose the same gateway at once.
      this.begin(backoff * (0.75 + Math.random() / 2));
    }
  }

  /** Reads one stream to its end. @returns what to do then. */
  private async read(
    wanted: readonly string[],
    signal: AbortSignal,
  ): Promise<'lost' | 'refused' | 'other topics'> {
    const url = `${this.root}live?topics=${encodeURIComponent(wanted.join(','))}`;
    const headers: Record<string, string> = { Accept: 'text/event-stream' };
    if (this.lastId) headers['Last-Event-ID'] = this.lastId;
    const answer = await this.options.fetch(url, {
      headers,
      signal,
      cache: 'no-store',
      credentials: 'same-origin',
    });
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream');
    if (answer.status === 400) return (await this.withoutUnknown(answer)) ? 'other topics' : 'refused';
    if (answer.status >= 500 && answer.status !== 503) return 'lost';
    if (!answer.ok || !isStream || !answer.body) return 'refused';
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = answer.body.getReader();
    const silent = new Set(wanted.map(keyOf));
    let caughtUp: ReturnType<typeof setTimeout> | undefined;
    const live = (): void => {
      clearTimeout(caughtUp);
      caughtUp = undefined;
      this.say('live');
    };
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done || signal.aborted) return 'lost';
        this.watch(this.current as AbortController);
        this.known.heardAt = Date.now();
        for (const { id, event, data } of parser.push(decoder.decode(value, { stream: true }))) {
          if (id !== undefined) this.lastId = id;
          if (event === 'hello') {
            this.failures = 0;
            this.silences = 0;
            // A stream that only follows something else now was live all the time.
            if (this.known.state !== 'live') this.say('catching_up');
            caughtUp = setTimeout(live, CATCH_UP_MS);
            continue;
          }
          const message = { ...(JSON.parse(data) as Omit<LiveMessage, 'event'>), event } as LiveMessage;
          this.options.message(message);
          silent.delete(message.topic);
          if (silent.size === 0 && caughtUp !== undefined) live();
        }
        if (caughtUp === undefined) this.say(this.known.state);
      }
    } finally {
      clearTimeout(caughtUp);
    }
  }

  /** An older gateway may not have a topic: the others are followed without it. */
  private async withoutUnknown(answer: Response): Promise<boolean> {
    const { msg = '' } = (await answer.json().catch(() => ({}))) as { msg?: string };
    const named = /^topic (.+) cannot be followed: /.exec(msg)?.[1];
    const topic = this.topics.map(keyOf).find((one) => one === named && !this.unknown.has(one));
    if (topic === undefined) return false;
    this.unknown.add(topic);
    this.options.message({ topic, event: 'refused', reason: msg });
    return true;
  }

  /** A stream of which nothing is heard counts as lost, whatever the network says. */
  private watch(current: AbortController): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.silences++;
      current.abort();
    }, SILENT_MS);
  }

  private say(state: LiveState): void {
    this.known = { state, heardAt: this.known.heardAt };
    this.options.status(this.known);
  }
}
