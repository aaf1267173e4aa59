import { EndReason, RunState, taskEventData } from '@rigel/contracts';
import { type TSchema, Type } from 'typebox';
import type { Answer } from '../answer/envelope.js';
import type { StreamEvents } from '../endpoint.js';
import type { LiveStream } from '../live/live-stream.js';
import { TaskRow } from './task-rows.js';

/*
 * Events of live streams in the form of the API.
 */

export const LastEventId = Type.Optional(
  Type.String({
    description:
      'Id of the last event received: the stream goes on after it. For clients that cannot set the header Last-Event-ID, ' +
      'which goes before it.',
  }),
);

const Rfc3339 = Type.String({ description: 'RFC 3339, in UTC.' });

/** Times are milliseconds between services, and text in the API. */
function shown(fields: Record<string, TSchema>): Record<string, TSchema> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [
      name,
      name === 'started' || name === 'finished' ? Rfc3339 : schema,
    ]),
  );
}

/** Data of each event of a task, by the event's name. */
export const TaskEventStream: Record<string, TSchema> = {
  ...Object.fromEntries(
    Object.entries(taskEventData).map(([name, { properties }]) => [
      name,
      Type.Object({ task_id: Type.Integer(), time: Rfc3339, ...shown(properties) }),
    ]),
  ),
  end: Type.Object({
    task_id: Type.Integer(),
    state: RunState,
    end_reason: EndReason,
    stat: Type.Array(Type.Integer(), { description: 'Node runs by state.' }),
    ignored: Type.Optional(TaskRow.properties.ignored),
  }),
};

export const exampleTaskEvents: StreamEvents['examples'] = [
  {
    id: '9',
    event: 'step_failed',
    data: {
      task_id: 1,
      time: '2026-01-05T08:00:12.000Z',
      nsid: 1,
      node_id: 1,
      ip: '10.0.0.7',
      step: 'start_service',
      step_num: 1,
      attempt: 1,
      started: '2026-01-05T08:00:02.000Z',
      finished: '2026-01-05T08:00:12.000Z',
      exit_code: 1,
      reason: 'exit status 1',
      next: 'retry',
    },
  },
  {
    id: '15-end',
    event: 'end',
    data: { task_id: 1, state: 2, end_reason: 'completed', stat: [0, 0, 12, 0, 0], ignored: 0 },
  },
];

/** Data of the events of a node run's output. */
export const OutputStream: Record<string, TSchema> = {
  output: Type.Object({
    nsid: Type.Integer(),
    step: Type.String(),
    step_num: Type.Integer(),
    attempt: Type.Integer(),
    text: Type.String({ description: 'What comes next in the log of the step.' }),
  }),
  end: Type.Object({ nsid: Type.Integer(), state: RunState }),
};

export const exampleOutput: StreamEvents['examples'] = [
  {
    id: '1.1.8',
    event: 'output',
    data: { nsid: 1, step: 'start_service', step_num: 1, attempt: 1, text: 'started\n' },
  },
  { id: '2.1.0-end', event: 'end', data: { nsid: 1, state: 2 } },
];

export function streamed(stream: LiveStream): Answer {
  return { data: null, stream };
}
