import { ServiceError } from '@rigel/contracts';
import type { Feed } from '../feed.js';
import { type Change, readChanges } from './change-reader.js';
import type { Known, StateFollower } from './state-follower.js';
import { type ChangeSource, eventId } from './topic.js';

/** How often a stream without news says that it lives: a client tells by it whether what it shows is live. */
const BEAT_MS = 2_000;
const BEAT = ': beat\n\n';

/** A topic of a stream: the reader of its state, or of its changes. */
export type Followed =
  | { kind: 'state'; key: string; follower: StateFollower }
  | { kind: 'changes'; key: string; source: ChangeSource; feed: Feed };

/** What waits to be sent for a topic: that its state has changed, or one change. Nothing more is kept for a slow client. */
type Waiting = { follower: StateFollower } | { change: Change; taken: () => void };

/** The messages of many topics in one stream. A topic whose turn it is gives the newest that it has. */
export class TopicStream {
  private readonly places: Map<string, string>;
  /** By topic, those that wait longest first. */
  private readonly waiting = new Map<string, Waiting>();
  private readonly endings: (() => void)[] = [];
  private wakeUp: () => void = () => undefined;

  constructor(
    private readonly topics: readonly Followed[],
    private readonly options: {
      /** Where the client goes on; those of other topics are absent. */
      places: ReadonlyMap<string, string>;
      signal: AbortSignal;
      /** Called with what went wrong inside of Rigel. */
      failed: (error: unknown) => void;
    },
  ) {
    this.places = new Map(options.places);
  }

  async *texts(): AsyncGenerator<string> {
    const { signal } = this.options;
    signal.addEventListener('abort', () => this.end(), { once: true });
    for (const topic of this.topics) this.begin(topic);
    const hello = { time: new Date().toISOString(), topics: this.topics.map(({ key }) => key) };
    yield this.encode('hello', JSON.stringify(hello));
    let nextBeat = Date.now() + BEAT_MS;
    while (!signal.aborted) {
      const text = this.take();
      if (text !== undefined) yield text;
      else if (Date.now() >= nextBeat) yield BEAT;
      else {
        await this.news(nextBeat - Date.now());
        continue;
      }
      nextBeat = Date.now() + BEAT_MS;
    }
  }

  private begin(topic: Followed): void {
    const { key } = topic;
    if (topic.kind === 'changes') {
      this.readOn(topic).catch(this.options.failed);
      return;
    }
    const { follower } = topic;
    const changed = (): void => this.wait(key, { follower });
    this.endings.push(follower.watch(changed));
    if (follower.latest) changed();
  }

  private async readOn({ key, source, feed }: Extract<Followed, { kind: 'changes' }>): Promise<void> {
    const { signal } = this.options;
    try {
      for await (const change of readChanges(source, feed, { place: this.places.get(key) }, signal)) {
        await new Promise<void>((taken) => {
          if (signal.aborted) taken();
          else {
            this.endings.push(taken);
            this.wait(key, {
              change,
              taken: () => {
                this.endings.splice(this.endings.indexOf(taken), 1);
                taken();
              },
            });
          }
        });
      }
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const change = { event: 'refused', text: `"reason":${JSON.stringify(error.message)}`, place: '' };
      this.wait(key, { change, taken: () => undefined });
    }
  }

  private wait(key: string, what: Waiting): void {
    this.waiting.set(key, what);
    this.wakeUp();
  }

  private take(): string | undefined {
    const [first] = this.waiting;
    if (!first) return undefined;
    const [key, what] = first;
    this.waiting.delete(key);
    const topic = `"topic":${JSON.stringify(key)}`;
    if ('follower' in what) {
      const { latest } = what.follower;
      return latest && this.encodeState(key, topic, latest);
    }
    const { event, text, place } = what.change;
    if (place !== '') this.places.set(key, place);
    what.taken();
    return this.encode(event, `{${topic}${text && `,${text}`}}`);
  }

  private encodeState(key: string, topic: string, known: Known): string {
    if (known.kind === 'away' || known.kind === 'refused') {
      return this.encode(known.kind, `{${topic},"reason":${JSON.stringify(known.reason)}}`);
    }
    const at = `"at":"${new Date(known.at).toISOString()}"`;
    // The client has this state already, from this stream or from another gateway.
    if (this.places.get(key) === known.place) return this.encode('unchanged', `{${topic},${at}}`);
    this.places.set(key, known.place);
    return known.kind === 'large'
      ? this.encode('large', `{${topic},${at},"bytes":${known.bytes}}`)
      : this.encode('state', `{${topic},${at},"data":${known.data}}`);
  }

  private encode(event: string, data: string): string {
    return `id: ${eventId(this.places)}\nevent: ${event}\ndata: ${data}\n\n`;
  }

  /** Resolves when something waits, after this time, or at the end. */
  private news(ms: number): Promise<void> {
    if (this.waiting.size > 0 || this.options.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private end(): void {
    for (const ending of [...this.endings]) ending();
    this.waiting.clear();
    this.wakeUp();
  }
}
