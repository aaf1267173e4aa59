import { covers, type Role } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import { reason } from '../../answer/reason.js';
import type { TimeFormat } from '../../answer/time-format.js';
import type { Endpoint } from '../../endpoint.js';
import { DocumentedFailure, failure } from '../../failures.js';
import { Feed } from '../feed.js';
import { PageCache } from '../page-cache.js';
import { EventWakeUps } from '../wake-ups.js';
import { type Sources, sourcesOf } from './registry.js';
import { StateFollower } from './state-follower.js';
import { readTopics, type Source, type TopicText } from './topic.js';
import type { Followed } from './topic-stream.js';

/** Most characters of changes that are kept for clients that are a little behind. */
const CACHE_SIZE = 8 * 1024 * 1024;

interface Shared {
  followed: Followed;
  streams: number;
  stop: () => void;
}

/** The topics that are followed here: one reader of each, which all streams share. */
export class Topics {
  private readonly shared = new Map<string, Shared>();
  private readonly cache = new PageCache(CACHE_SIZE);
  private readonly sources: Sources;

  constructor(
    private readonly options: {
      bus: Bus;
      log: Logger;
      times: TimeFormat;
      endpoints: readonly Endpoint[];
    },
  ) {
    const { bus } = options;
    this.sources = sourcesOf({
      ...options,
      events: {
        scheduler: new EventWakeUps(bus, 'scheduler'),
        inventory: new EventWakeUps(bus, 'inventory'),
        catalog: new EventWakeUps(bus, 'catalog'),
        access: new EventWakeUps(bus, 'access'),
      },
    });
  }

  /** The number of topics that are followed now. */
  get count(): number {
    return this.shared.size;
  }

  /**
   * Reads what a client asks for, and checks it.
   * @throws WrongParameter naming the topic; DocumentedFailure when the client's role does not reach for one.
   */
  parse(text: string, role: Role): { topic: TopicText; source: Source }[] {
    return readTopics(text).map((topic) => {
      const source = this.sources(topic);
      if (!covers(role, source.role)) {
        const why = `topic ${topic.key} needs the role ${source.role}, and the token has ${role}`;
        throw new DocumentedFailure(
          failure(403, '', {}),
          why,
          reason('role', { data: { needed: source.role, role } }),
        );
      }
      return { topic, source };
    });
  }

  /** Begins to follow topics, or joins those who follow them already. @returns them, and what ends it. */
  follow(wanted: readonly { topic: TopicText; source: Source }[]): {
    followed: Followed[];
    release: () => void;
  } {
    const joined = wanted.map(({ topic: { key }, source }) => {
      const shared = this.shared.get(key) ?? this.start(key, source);
      shared.streams++;
      return { key, shared };
    });
    return {
      followed: joined.map(({ shared }) => shared.followed),
      release: () => {
        for (const { key, shared } of joined) {
          if (--shared.streams > 0) continue;
          this.shared.delete(key);
          shared.stop();
        }
      },
    };
  }

  private start(key: string, source: Source): Shared {
    const shared = { streams: 0, ...this.begin(key, source) };
    this.shared.set(key, shared);
    return shared;
  }

  private begin(key: string, source: Source): Omit<Shared, 'streams'> {
    if (source.kind === 'state') {
      const follower = new StateFollower(source, this.options.log);
      return { followed: { kind: 'state', key, follower }, stop: () => follower.stop() };
    }
    const feed = new Feed({ key: `topic ${key}`, read: source.read, cache: this.cache });
    return { followed: { kind: 'changes', key, source, feed }, stop: source.wakeUp(feed) };
  }
}
