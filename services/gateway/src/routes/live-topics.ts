import { Type } from 'typebox';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { failure } from '../failures.js';
import { LastEventId, streamed } from './live-rows.js';

const Topic = Type.String({ description: 'The topic, as it was asked for.' });
const At = Type.String({ description: 'When this gateway read it (RFC 3339, UTC).' });
const Why = Type.String({ description: 'The reason in words.' });

/** Data of the events of the stream of many topics, by the event's name. */
export const TopicEvents = {
  hello: Type.Object({
    time: Type.String({ description: 'Time of this gateway (RFC 3339, UTC).' }),
    topics: Type.Array(Type.String()),
  }),
  state: Type.Object({
    topic: Topic,
    at: At,
    data: Type.Unknown({ description: 'The `data` that the read of the topic answers.' }),
  }),
  unchanged: Type.Object({ topic: Topic, at: At }),
  large: Type.Object({
    topic: Topic,
    at: At,
    bytes: Type.Integer({ description: 'Length of the state, over 64 KiB: read it from the API.' }),
  }),
  away: Type.Object({ topic: Topic, reason: Why }),
  refused: Type.Object({ topic: Topic, reason: Why }),
  reset: Type.Object({ topic: Topic }),
  grid: Type.Object({
    topic: Topic,
    version: Type.Integer({ description: 'Version of the task.' }),
    cursor: Type.String({ description: 'The place after it.' }),
    whole: Type.Optional(Type.Literal(true, { description: 'Read the whole grid.' })),
    changes: Type.Optional(
      Type.Array(Type.Array(Type.Integer()), {
        description: 'What changed: index of the node run, state, step, attempts.',
      }),
    ),
    marks: Type.Optional(Type.Record(Type.String(), Type.Array(Type.Integer()))),
  }),
  output: Type.Object({
    topic: Topic,
    parts: Type.Array(
      Type.Object({
        step: Type.String(),
        step_num: Type.Integer(),
        attempt: Type.Integer(),
        text: Type.String(),
        place: Type.String({ description: 'The place after it: step.attempt.byte.' }),
      }),
    ),
  }),
  gap: Type.Object({
    topic: Topic,
    bytes: Type.Integer({ description: 'Bytes of output that came faster than they are passed on.' }),
  }),
  end: Type.Object({ topic: Topic, state: Type.Integer({ description: 'State of the node run.' }) }),
};

export const liveTopics: Endpoint[] = [
  defineEndpoint({
    id: 'live',
    title: 'Many topics in one live stream',
    notes:
      'Server-sent events. A topic of a state sends all of it when the stream begins and when it has changed, at most four times a ' +
      'second, as `state`; its data is that of the read that has the same content: `overview`, `system`, `tasks?<filters of ' +
      'task/list>`, `task:<id>`, `why:<id>`. `output:<id of a node run>` sends what commands print; `output:<id>@1.1.4096` begins ' +
      'there; `grid:<task>@<cursor>` sends what changes after that cursor. Events name their topic. The id of an event has the places of all topics: who was cut off sends it as Last-Event-ID to ' +
      'any gateway, also with other topics. Then `unchanged` says that a state is as it was, and `reset` that a topic begins from its ' +
      'start. `away`: the service in charge does not answer now; `refused`: there is no such thing. A comment comes every 2 seconds.',
    methods: ['GET'],
    paths: ['/live'],
    access: 'read',
    params: Type.Object({
      topics: Type.String({
        minLength: 1,
        maxLength: 8_000,
        description: 'Up to 32 topics, separated by commas; filters are encoded as in a URL.',
      }),
      last_event_id: LastEventId,
    }),
    failures: {
      otherwise: failure(400, '', {}),
      busy: failure(503, '', {}),
    },
    result: Type.Null(),
    example: null,
    streamsOnly: true,
    events: {
      schema: TopicEvents,
      examples: [
        {
          id: 'Xk3dQa:mM3n0QkZ_x',
          event: 'unchanged',
          data: { topic: 'task:42', at: '2026-01-05T08:00:00.000Z' },
        },
      ],
    },
    handler: async ({ topics, last_event_id }, { live, lastEventId, client, role }) =>
      streamed(live.topics(topics, { lastEventId: lastEventId ?? last_event_id, client, role })),
  }),
];
