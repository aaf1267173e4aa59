import { Type } from 'typebox';
import { defineEndpoint, type Endpoint } from '../endpoint.js';
import { exactFailure, failure } from '../failures.js';
import { idOf, STORE_LOST } from './common.js';
import { exampleTaskEvents, LastEventId, streamed, TaskEventStream } from './live-rows.js';

export const liveEndpoints: Endpoint[] = [
  defineEndpoint({
    id: 'task.events',
    title: 'Events of a task as they happen',
    notes:
      'Server-sent events: first all that has happened, then each event as it happens, in order, none twice and none left ' +
      'out. When nothing is being done for the task any more the event `end` comes, and the stream with it; a paused ' +
      'task’s stays open. Who was cut off goes on after the event whose id is sent as Last-Event-ID, at any gateway; with ' +
      'the id of `end` the answer is 204, as long as nothing has happened since. A comment comes every 15 seconds.',
    methods: ['GET'],
    paths: ['/task/:id/events'],
    access: 'read',
    params: Type.Object({ id: idOf('task'), last_event_id: LastEventId }),
    failures: {
      otherwise: failure(400, STORE_LOST, {}),
      parameter: failure(400, '', {}),
      not_found: exactFailure(400, 'Flow not found', {}),
      busy: failure(503, '', {}),
    },
    result: Type.Null(),
    example: null,
    streamsOnly: true,
    events: { schema: TaskEventStream, examples: exampleTaskEvents },
    handler: async ({ id, last_event_id }, { live, lastEventId, client }) =>
      streamed(await live.taskEvents(id, lastEventId ?? last_event_id, client)),
  }),
];
