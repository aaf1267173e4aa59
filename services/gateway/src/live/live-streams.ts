import {
  live,
  type Role,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  show,
  taskStream,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { Logger } from 'pino';
import type { TimeFormat } from '../answer/time-format.js';
import type { Endpoint } from '../endpoint.js';
import { GatewayIsFull, WrongParameter } from '../failures.js';
import type { Client } from '../request/client.js';
import { Feed, type FeedOptions } from './feed.js';
import { type LiveStream, type LiveStreamOpener, splitEventId } from './live-stream.js';
import { BEGINNING, outputPlace, readOutputPage } from './output-feed.js';
import { PageCache } from './page-cache.js';
import { Places } from './places.js';
import { readTaskPage, taskPlace } from './task-feed.js';
import { placesIn } from './topics/topic.js';
import { TopicStream } from './topics/topic-stream.js';
import { Topics } from './topics/topics.js';
import { EventWakeUps, wakeByOutput } from './wake-ups.js';

/** Most characters of pages that are kept for clients that are a little behind. */
const CACHE_SIZE = 16 * 1024 * 1024;

/** The place where a client wants its stream to begin. */
interface StartingPlace {
  place: string;
  /** The client has received the end of the stream. */
  atEnd: boolean;
  /** The client had a stream before. */
  resumes: boolean;
}

interface SharedFeed {
  feed: Feed;
  viewers: number;
  /** Ends the subscription that wakes the feed. */
  stop: () => void;
}

/** All live streams of this gateway. */
export class LiveStreams implements LiveStreamOpener {
  private readonly feeds = new Map<string, SharedFeed>();
  private readonly cache = new PageCache(CACHE_SIZE);
  private readonly taskWakeUps: EventWakeUps;
  /** The functions that cancel the open streams. */
  private readonly open = new Set<() => void>();
  private readonly places: Places;
  private readonly followedTopics: Topics;
  private closed = false;

  constructor(
    private readonly options: {
      bus: Bus;
      log: Logger;
      times: TimeFormat;
      /** The endpoints whose answers are topics. */
      endpoints: readonly Endpoint[];
      /** Most streams that are open at once. */
      limit: number;
    },
  ) {
    this.taskWakeUps = new EventWakeUps(options.bus, 'scheduler');
    this.followedTopics = new Topics(options);
    this.places = new Places(options.limit, {
      full: 'live streams are open',
      held: 'live streams open',
    });
  }

  /** The number of open streams. */
  get count(): number {
    return this.open.size;
  }

  /**
   * The events of a task.
   * @param lastEventId id of the last event that the client has; undefined = it has none.
   * @param client the client that watches.
   * @throws ServiceError `not_found`, `unavailable`
   * @throws WrongParameter when the id is not of an event of this task.
   * @throws GatewayIsFull
   */
  taskEvents(id: number, lastEventId: string | undefined, client: Client): Promise<LiveStream> {
    const { times } = this.options;
    const place = placeOf(lastEventId, '0', taskPlace);
    return this.openStream({
      client,
      key: `task-${id}`,
      place,
      read: async (from) => {
        const page = await readTaskPage(id, from, {
          ask: (request) => this.ask(live.taskEvents, request),
          times,
        });
        if (page.last < Number(from)) {
          throw new WrongParameter(
            `last_event_id ${show(from)} is not known: the last event of task ${id} is ${page.last}`,
            'last_event_id',
          );
        }
        return page;
      },
      wakeUp: (feed) => this.taskWakeUps.add(taskStream(id), feed),
    });
  }

  /** The output of a node run. Parameters and errors are those of `taskEvents`. */
  runOutput(nsid: number, lastEventId: string | undefined, client: Client): Promise<LiveStream> {
    const place = placeOf(lastEventId, BEGINNING, outputPlace);
    return this.openStream({
      client,
      key: `run-${nsid}`,
      place,
      read: (from) => readOutputPage(nsid, from, (request) => this.ask(live.runOutput, request)),
      wakeUp: (feed) => wakeByOutput(this.options.bus, nsid, feed),
    });
  }

  /**
   * The messages of many topics in one stream.
   * @param wanted the topics, separated by commas.
   * @param lastEventId id of the last event that the client has of such a stream, perhaps of another gateway and of
   *   other topics; undefined = it has none.
   * @throws WrongParameter naming a topic; DocumentedFailure when the role does not reach for one; GatewayIsFull
   */
  topics(
    wanted: string,
    { lastEventId, client, role }: { lastEventId: string | undefined; client: Client; role: Role },
  ): LiveStream {
    const parsed = this.followedTopics.parse(wanted, role);
    if (this.closed) throw new GatewayIsFull('this gateway is being shut down');
    const giveBack = this.places.take(client);
    const { followed, release } = this.followedTopics.follow(parsed);
    const cancelled = new AbortController();
    const cancel = (): void => {
      if (cancelled.signal.aborted) return;
      cancelled.abort();
      this.open.delete(cancel);
      giveBack();
      release();
    };
    this.open.add(cancel);
    const topics = parsed.map(({ topic }) => topic);
    const places = placesIn(lastEventId, topics);
    for (const { key, place } of topics) {
      if (place !== undefined && !places.has(key)) places.set(key, place);
    }
    const stream = new TopicStream(followed, {
      places,
      signal: cancelled.signal,
      failed: (error) => {
        this.options.log.error({ err: error }, 'a live topic failed');
        cancel();
      },
    });
    return { finished: false, texts: stream.texts(), signal: cancelled.signal, cancel };
  }

  /** The number of topics that are followed for streams. */
  get topicCount(): number {
    return this.followedTopics.count;
  }

  /** Ends all streams; none can be opened after that. */
  close(): void {
    this.closed = true;
    for (const cancel of this.open) cancel();
  }

  private ask<R extends Rpc>(rpc: R, request: RpcRequest<R>): Promise<RpcResponse<R>> {
    return this.options.bus.call(rpc, request, { correlationId: 'live', actor: 'gateway' });
  }

  private async openStream({
    client,
    key,
    place: { place, atEnd, resumes },
    read,
    wakeUp,
  }: {
    client: Client;
    key: string;
    place: StartingPlace;
    read: FeedOptions['read'];
    wakeUp: (feed: Feed) => () => void;
  }): Promise<LiveStream> {
    if (this.closed) throw new GatewayIsFull('this gateway is being shut down');
    const giveBack = this.places.take(client);
    const shared = this.feeds.get(key) ?? this.addFeed(key, { key, read, cache: this.cache }, wakeUp);
    shared.viewers++;
    const cancelled = new AbortController();
    const cancel = (): void => {
      if (cancelled.signal.aborted) return;
      cancelled.abort();
      this.open.delete(cancel);
      giveBack();
      shared.viewers--;
      if (shared.viewers > 0) return;
      this.feeds.delete(key);
      shared.stop();
    };
    this.open.add(cancel);
    const stream = {
      finished: false,
      texts: shared.feed.follow(place, cancelled.signal),
      signal: cancelled.signal,
      cancel,
    };
    try {
      // A stream that is not possible is refused before any byte is sent.
      const first = await shared.feed.read(place);
      return { ...stream, finished: atEnd && first.end !== undefined };
    } catch (error) {
      // A client that had a stream is not refused because a scheduler is just being replaced.
      if (resumes && error instanceof ServiceError && error.code === 'unavailable') return stream;
      cancel();
      throw error;
    }
  }

  private addFeed(key: string, options: FeedOptions, wakeUp: (feed: Feed) => () => void): SharedFeed {
    const feed = new Feed(options);
    const shared = { feed, viewers: 0, stop: wakeUp(feed) };
    this.feeds.set(key, shared);
    return shared;
  }
}

function placeOf(
  lastEventId: string | undefined,
  beginning: string,
  parse: (text: string) => string | undefined,
): StartingPlace {
  if (lastEventId === undefined) return { place: beginning, atEnd: false, resumes: false };
  const { place: text, atEnd } = splitEventId(lastEventId.trim());
  const place = parse(text);
  if (place === undefined) {
    throw new WrongParameter(
      `last_event_id ${show(lastEventId)} is not the id of an event here`,
      'last_event_id',
    );
  }
  return { place, atEnd, resumes: true };
}
