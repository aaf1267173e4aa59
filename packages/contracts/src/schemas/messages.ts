import { type TSchema, Type } from 'typebox';
import { EventBatch, eventsSubject } from '../events.js';
import {
  controlSubject,
  directOfferSubject,
  ExecutorControl,
  HEARTBEAT_SUBJECT,
  Heartbeat,
  PARTITIONS_TAKEN_SUBJECT,
  PartitionsTaken,
  WORK_SUBJECTS,
  WorkOffer,
} from '../execution.js';
import { OutputStored, outputStoredSubject } from '../live.js';
import { onceOf } from '../once.js';
import { OPERATIONS } from '../permissions.js';
import { defineRpc } from '../rpc.js';

/** A message between services, as the files in `packages/contracts/schemas` show it. Schemas are JSON Schema. */
export type MessageDescription =
  | {
      kind: 'operation';
      subject: string;
      /** Also served on `<subject>.once`, in the form of the operation `*.once`. */
      keyed: boolean;
      /** Requests of one moment may travel in one message, as an array; so do their answers. */
      together: boolean;
      /** The caller may ask for a sealed answer. */
      sealed: boolean;
      timeout_ms: number;
      request: TSchema;
      answer: TSchema;
    }
  | {
      kind: 'published';
      /** `*` stands for one word. */
      subjects: string[];
      message: TSchema;
    };

const anything = '*' as never;

const PUBLISHED: Readonly<Record<string, { subjects: string[]; message: TSchema }>> = {
  events: { subjects: [eventsSubject(anything)], message: EventBatch },
  'executor.control': { subjects: [controlSubject('*')], message: ExecutorControl },
  'scheduler.heartbeat': { subjects: [HEARTBEAT_SUBJECT], message: Heartbeat },
  'scheduler.output_stored': { subjects: [outputStoredSubject(anything)], message: OutputStored },
  'scheduler.taken': { subjects: [PARTITIONS_TAKEN_SUBJECT], message: PartitionsTaken },
  'work.offer': { subjects: [WORK_SUBJECTS, directOfferSubject(anything)], message: WorkOffer },
};

/** The form of every operation under a key; `request` and `answer` inside are those of the operation itself. */
const ONCE = onceOf(defineRpc('*', { request: Type.Unknown(), response: Type.Unknown(), keyed: true }));

/** Every message that `packages/contracts` defines, by the name of its file. */
export function describeMessages(): Record<string, MessageDescription> {
  const operations = [...OPERATIONS, ONCE].map((rpc): [string, MessageDescription] => [
    nameOf(rpc.subject),
    {
      kind: 'operation',
      subject: rpc.subject,
      keyed: rpc.keyed,
      together: rpc.together,
      sealed: rpc.sealed,
      timeout_ms: rpc.timeoutMs,
      request: rpc.request,
      answer: rpc.response,
    },
  ]);
  const published = Object.entries(PUBLISHED).map(([name, parts]): [string, MessageDescription] => [
    name,
    { kind: 'published', ...parts },
  ]);
  return Object.fromEntries([...operations, ...published].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `scheduler.claim` for `rigel.scheduler.{partition}.claim`. */
function nameOf(subject: string): string {
  return subject
    .replace(/^rigel\./, '')
    .replace('.{partition}', '')
    .replace('*', 'any');
}
