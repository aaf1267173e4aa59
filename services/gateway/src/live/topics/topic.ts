import { createHash } from 'node:crypto';
import { type Role, show } from '@rigel/contracts';
import { WrongParameter } from '../../failures.js';

/** Most topics of one stream. */
export const MAX_TOPICS = 32;
/** Most characters of a topic: a list with all of its filters. */
const MAX_LENGTH = 500;

/** What a client wants to follow, as it writes it: `task:42`, `tasks?state=3`, `output:17@1.1.4096`. */
export interface TopicText {
  /** All of it without the place: what messages name. */
  key: string;
  /** The word before the first `:` or `?`. */
  name: string;
  /** What follows the colon; empty if nothing does. */
  argument: string;
  /** What follows the question mark, encoded as in a URL. */
  query: string;
  /** Where the client wants to begin; undefined = wherever the topic begins. */
  place: string | undefined;
}

/** A state that is read whole, shared by all streams of this gateway that follow it. */
export interface StateSource {
  kind: 'state';
  role: Role;
  /** @throws ServiceError */
  read: () => Promise<unknown>;
  /** Arranges that it is woken when the state may have changed. @returns ends it. */
  wakeUp: (sleeper: { wake(): void }) => () => void;
  /** The shortest time between two reads. */
  leastMs: number;
  /** The longest time between two reads, for what changes without an event; undefined = events tell all. */
  everyMs: number | undefined;
}

/** One page of what follows a place. */
export interface TopicPage {
  /** Data of one message as JSON without its braces; empty = nothing follows yet. */
  text: string;
  next: string;
  /** The same of the last message of the topic, when nothing will follow. */
  end: string | undefined;
}

/** Changes that follow each other, each after a place. */
export interface ChangeSource {
  kind: 'changes';
  role: Role;
  /** Name of its messages. */
  event: string;
  /** The place before the first change. */
  beginning: string;
  /** The place in a form that `read` takes; undefined if it is none. */
  placeOf: (text: string) => string | undefined;
  /** @throws ServiceError; WrongParameter when it does not know the place. */
  read: (place: string) => Promise<TopicPage>;
  wakeUp: (sleeper: { wake(): void }) => () => void;
  leastMs: number;
  /** Bytes in a second that are passed on; what comes faster is left out, and counted. */
  bytesPerSecond: number | undefined;
  /** Bytes between two places, as far as they say. */
  bytesOf: (page: TopicPage) => number;
}

export type Source = StateSource | ChangeSource;

const FORM = /^([a-z]{1,20})(?::([^?@\s]{1,100}))?(?:\?([^@\s]*))?(?:@([\w.-]{1,60}))?$/;

/**
 * Reads the topics of a request, separated by commas.
 * @throws WrongParameter naming the topic.
 */
export function readTopics(text: string): TopicText[] {
  const parts = text.split(',').map((part) => part.trim());
  const topics = new Map<string, TopicText>();
  for (const part of parts) {
    const [, name, argument = '', query = '', place] = FORM.exec(part) ?? [];
    if (name === undefined || part.length > MAX_LENGTH) throw wrongTopic(part, 'it has not the form of one');
    const key = `${name}${argument && `:${argument}`}${query && `?${query}`}`;
    topics.set(key, { key, name, argument, query, place });
  }
  if (topics.size > MAX_TOPICS) {
    throw new WrongParameter(
      `topics names ${topics.size} topics, and a stream has at most ${MAX_TOPICS}: leave out what is not on the screen`,
      'topics',
    );
  }
  return [...topics.values()];
}

export function wrongTopic(topic: string, why: string): WrongParameter {
  return new WrongParameter(`topic ${show(topic)} cannot be followed: ${why}`, 'topics');
}

/** The place of each topic of a stream, by its key. */
export type StreamPlaces = ReadonlyMap<string, string>;

const shortOf = (key: string): string => createHash('sha256').update(key).digest('base64url').slice(0, 6);

/** The id of an event: the places of all topics of its stream, so that any gateway can go on after it. */
export function eventId(places: StreamPlaces): string {
  return [...places].map(([key, place]) => `${shortOf(key)}:${place}`).join(',');
}

/** The places in the id of an event, for the topics of a stream; topics that it does not name have none. */
export function placesIn(id: string | undefined, topics: readonly TopicText[]): Map<string, string> {
  const places = new Map<string, string>();
  const given = new Map(
    (id ?? '')
      .slice(0, 8_192)
      .split(',')
      .flatMap((part) => {
        const at = part.indexOf(':');
        return at === 6 && /^[\w.-]{1,60}$/.test(part.slice(7)) ? [[part.slice(0, 6), part.slice(7)]] : [];
      }),
  );
  for (const { key } of topics) {
    const place = given.get(shortOf(key));
    if (place !== undefined) places.set(key, place);
  }
  return places;
}
