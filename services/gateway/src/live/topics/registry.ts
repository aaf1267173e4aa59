import {
  type EventOwner,
  live,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  taskGrid,
  taskStream,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import type { TimeFormat } from '../../answer/time-format.js';
import { type Endpoint, type Invocation, roleFor } from '../../endpoint.js';
import { UnknownParameter, UnreadableRequest, WrongParameter } from '../../failures.js';
import { QUERY_PAIRS } from '../../request/body-limits.js';
import { readPairs } from '../../request/pairs.js';
import { prepareParameters } from '../../request/parameters.js';
import { BEGINNING, outputPlace, placeText, toPlace } from '../output-feed.js';
import { type EventWakeUps, wakeByOutput } from '../wake-ups.js';
import { type ChangeSource, type Source, type StateSource, type TopicText, wrongTopic } from './topic.js';

/**
 * A topic that is the answer of a GET: its messages have what the endpoint answers as `data`. Whoever adds an endpoint
 * makes it a topic by one entry here.
 */
interface StateTopic {
  /** Id of the endpoint. */
  endpoint: string;
  /** What the words after the colon stand for: a parameter of the endpoint; absent = the topic has none. */
  argument?: { parameter: string; form: RegExp };
  /** The endpoint's other parameters may follow a question mark. */
  filters?: true;
  /** The task with the id of the argument, or any event of these services. */
  wakes: 'task' | readonly EventOwner[];
  leastMs: number;
  everyMs?: number;
}

const ID = /^[1-9]\d{0,15}$/;
const id = { parameter: 'id', form: ID };

/** By the word that a topic begins with. An entry whose endpoint this gateway does not have is no topic. */
const STATES: Readonly<Record<string, StateTopic>> = {
  overview: { endpoint: 'overview', wakes: ['scheduler', 'inventory'], leastMs: 1_000, everyMs: 2_000 },
  system: { endpoint: 'system', wakes: [], leastMs: 1_000, everyMs: 2_000 },
  tasks: { endpoint: 'task.list', filters: true, wakes: ['scheduler'], leastMs: 1_000 },
  task: { endpoint: 'task.info', argument: id, wakes: 'task', leastMs: 250 },
  batches: { endpoint: 'task.batches', argument: id, wakes: 'task', leastMs: 500 },
  failures: { endpoint: 'task.failures', argument: id, wakes: 'task', leastMs: 1_000 },
  why: { endpoint: 'task.why', argument: id, wakes: 'task', leastMs: 1_000, everyMs: 2_000 },
  pool: {
    endpoint: 'pool.summary',
    argument: id,
    wakes: ['inventory', 'scheduler'],
    leastMs: 1_000,
    everyMs: 5_000,
  },
  nodes: {
    endpoint: 'node.list',
    argument: { parameter: 'pool_id', form: /^pool=[1-9]\d{0,15}$/ },
    filters: true,
    wakes: ['inventory', 'scheduler'],
    leastMs: 1_000,
  },
  schedule: {
    endpoint: 'schedule.occurrences',
    argument: id,
    filters: true,
    wakes: ['scheduler'],
    leastMs: 1_000,
    everyMs: 5_000,
  },
  calendar: {
    endpoint: 'schedule.calendar',
    filters: true,
    wakes: ['scheduler'],
    leastMs: 1_000,
    everyMs: 5_000,
  },
  machines: { endpoint: 'machine.orphans', wakes: [], leastMs: 1_000, everyMs: 2_000 },
  verification: { endpoint: 'verification', wakes: [], leastMs: 1_000, everyMs: 2_000 },
};

/** Output of one node that is passed on to one client in a second. */
const OUTPUT_BYTES_PER_SECOND = 256 * 1024;

interface Options {
  bus: Bus;
  times: TimeFormat;
  endpoints: readonly Endpoint[];
  events: Readonly<Record<EventOwner, EventWakeUps>>;
}

/** Finds how a topic is read and what wakes its readers. @throws WrongParameter naming the topic. */
export type Sources = (topic: TopicText) => Source;

export function sourcesOf(options: Options): Sources {
  const states = new Map(
    Object.entries(STATES).flatMap(([name, entry]) => {
      const endpoint = options.endpoints.find((one) => one.id === entry.endpoint);
      if (!endpoint) return [];
      return [[name, prepareState(entry, endpoint, options)] as const];
    }),
  );
  const changes: Record<string, (topic: TopicText) => Source> = {
    grid: (topic) => gridSource(topic, options),
    output: (topic) => outputSource(topic, options),
  };
  const known = [...states.keys(), ...Object.keys(changes)].sort().join(', ');
  return (topic) => {
    const make = states.get(topic.name) ?? changes[topic.name];
    if (!make) throw wrongTopic(topic.key, `there is no such topic; there are ${known}`);
    return make(topic);
  };
}

function prepareState(
  { argument, filters, wakes, leastMs, everyMs }: StateTopic,
  endpoint: Endpoint,
  { bus, times, events }: Options,
): (topic: TopicText) => StateSource {
  const readParameters = prepareParameters(endpoint);
  return (topic) => {
    const { key, query } = topic;
    if (topic.place !== undefined) throw wrongTopic(key, 'a state has no place to begin at');
    if (query !== '' && !filters) throw wrongTopic(key, 'it has no filters');
    const values: Record<string, string> = {};
    if (argument) {
      if (!argument.form.test(topic.argument))
        throw wrongTopic(key, `${topic.name} needs an id after its colon`);
      values[argument.parameter] = topic.argument.replace(/^[a-z]+=/, '');
    } else if (topic.argument !== '') throw wrongTopic(key, `${topic.name} has nothing after a colon`);
    const { input, page } = asTopicFault(key, () =>
      readParameters({ path: { values }, body: { values: {} }, query: filtersIn(query) }),
    );
    const invocation = invocationFor(page, { bus, times });
    return {
      kind: 'state',
      role: roleFor(endpoint),
      read: async () => (await endpoint.handle(input, invocation)).data,
      wakeUp: (sleeper) => {
        if (wakes === 'task') return events.scheduler.add(taskStream(Number(topic.argument)), sleeper);
        const endings = wakes.map((owner) => events[owner].add(undefined, sleeper));
        return () => {
          for (const end of endings) end();
        };
      },
      leastMs,
      everyMs,
    };
  };
}

/** A filter without all of its parts would be another list than the client meant. */
function filtersIn(query: string): { values: Record<string, unknown> } {
  const source = readPairs(query, QUERY_PAIRS);
  if ('values' in source) return source;
  throw new UnreadableRequest(source.unreadable);
}

function asTopicFault<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isFault =
      error instanceof WrongParameter ||
      error instanceof UnknownParameter ||
      error instanceof UnreadableRequest;
    throw isFault ? wrongTopic(key, error.message) : error;
  }
}

/** Topics are read for all who follow them, so nothing in an answer may depend on one of them. */
function invocationFor(
  page: Invocation['page'],
  { bus, times }: { bus: Bus; times: TimeFormat },
): Invocation {
  return {
    method: 'GET',
    operator: 'gateway',
    authenticated: false,
    client: { key: 'live topics', name: 'the live topics' },
    role: 'viewer',
    isAdmin: false,
    mayRun: false,
    page,
    times,
    lastEventId: undefined,
    principal: null,
    accessIsOn: true,
    get cookie(): never {
      throw new Error('a topic has no browser');
    },
    tellAudit: () => {
      throw new Error('a topic does nothing');
    },
    deny: (why) => {
      throw new Error(`a topic has no credentials: ${why}`);
    },
    get live(): never {
      throw new Error('a topic opens no stream');
    },
    call: (rpc, data) => bus.call(rpc, data, { correlationId: 'live', actor: 'gateway' }),
    repeated: () => false,
    taskEnd: () => Promise.reject(new ServiceError('invalid', 'a topic does not wait for an end')),
  };
}

function outputSource({ key, argument, query, place }: TopicText, { bus }: Options): ChangeSource {
  if (!ID.test(argument)) throw wrongTopic(key, 'output needs the id of a node run after its colon');
  if (query !== '') throw wrongTopic(key, 'it has no filters');
  if (place !== undefined && outputPlace(place) === undefined)
    throw wrongTopic(key, 'a place in output is step.attempt.byte, as in 1.1.0');
  const nsid = Number(argument);
  return {
    kind: 'changes',
    role: 'viewer',
    event: 'output',
    beginning: BEGINNING,
    placeOf: outputPlace,
    read: async (from) => {
      const request: RpcRequest<typeof live.runOutput> = { id: nsid, after: toPlace(from) };
      const answer = await bus.call(live.runOutput, request, { correlationId: 'live', actor: 'gateway' });
      return outputPage(answer, from);
    },
    wakeUp: (sleeper) => wakeByOutput(bus, nsid, sleeper),
    leastMs: 250,
    bytesPerSecond: OUTPUT_BYTES_PER_SECOND,
    bytesOf: ({ text }) =>
      (JSON.parse(`{${text}}`) as { parts: { text: string }[] }).parts.reduce(
        (sum, part) => sum + Buffer.byteLength(part.text),
        0,
      ),
  };
}

/** Before the first cursor of a grid. */
const NO_CURSOR = 'start';
const CURSOR = /^[\w.-]{1,40}$/;
/** Most characters of changes in one message. */
const MAX_CHANGES = 64 * 1024;

/**
 * What changes in the grid of a task. It begins at the cursor of a grid that the client has read; without one, or when
 * too much has changed, the message says that the client is to read the whole grid.
 */
function gridSource({ key, argument, query, place }: TopicText, { bus, events }: Options): ChangeSource {
  if (!ID.test(argument)) throw wrongTopic(key, 'grid needs the id of a task after its colon');
  if (query !== '') throw wrongTopic(key, 'it has no filters');
  if (place !== undefined && !CURSOR.test(place)) throw wrongTopic(key, 'the place is no cursor of a grid');
  const id = Number(argument);
  return {
    kind: 'changes',
    role: 'viewer',
    event: 'grid',
    beginning: NO_CURSOR,
    placeOf: (text) => (CURSOR.test(text) ? text : undefined),
    read: async (from) => {
      const request = from === NO_CURSOR ? { id } : { id, after: from };
      const answer = await bus.call(taskGrid, request, { correlationId: 'live', actor: 'gateway' });
      return gridPage(answer);
    },
    wakeUp: (sleeper) => events.scheduler.add(taskStream(id), sleeper),
    leastMs: 250,
    bytesPerSecond: undefined,
    bytesOf: ({ text }) => text.length,
  };
}

function gridPage({ version, cursor, changes, marks }: RpcResponse<typeof taskGrid>) {
  const at = `"version":${version},"cursor":${JSON.stringify(cursor)}`;
  const text = changes && `${at},"changes":${JSON.stringify(changes)},"marks":${JSON.stringify(marks)}`;
  if (text === undefined || text.length > MAX_CHANGES)
    return { text: `${at},"whole":true`, next: cursor, end: undefined };
  return { text: changes?.length === 0 ? '' : text, next: cursor, end: undefined };
}

function outputPage({ parts, place, over }: RpcResponse<typeof live.runOutput>, from: string) {
  const next = placeText(place);
  const shown = parts.map(({ name, step, attempt, text, place }) => ({
    step: name,
    step_num: step + 1,
    attempt,
    text,
    place: placeText(place),
  }));
  return {
    text: shown.length === 0 ? '' : `"parts":${JSON.stringify(shown)}`,
    next,
    end: over && next === from ? `"state":${over.state}` : undefined,
  };
}
