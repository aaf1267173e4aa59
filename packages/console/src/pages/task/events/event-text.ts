import type { Manner } from '../../../text/refusals.js';
import { durationText } from '../../../text/time.js';
import { type KeyOf, type Locale, namesIn } from '../../../text/words.js';
import { taskWords } from '../words.js';
import { eventWords } from './event-words.js';

/** An event of a task, as the API tells it. */
export interface TaskEventRow {
  version: number;
  at: string;
  event: string;
  data: Readonly<Record<string, unknown>>;
}

type Key = KeyOf<typeof eventWords>;
type Facts = Record<string, string | number>;

const isKey = (key: string): key is Key => key in eventWords['en-US'];

/** The kinds of events that a person may choose, each with the names of its events. */
export const KINDS = {
  people: ['task_created', 'task_started', 'task_paused', 'task_stopped', 'node_released'],
  course: ['batch_started', 'batch_finished', 'task_finished', 'task_timed_out', 'failure_budget_exceeded'],
  failures: [
    'step_failed',
    'node_failed',
    'node_lost',
    'node_still_held',
    'failure_budget_exceeded',
    'task_timed_out',
  ],
  steps: ['step_succeeded', 'step_failed', 'step_stopped', 'step_placed'],
  nodes: [
    'node_succeeded',
    'node_failed',
    'nodes_halted',
    'node_deferred',
    'node_waits',
    'wait_over',
    'node_released',
    'node_still_held',
  ],
  executors: ['node_taken', 'node_lost', 'node_handed_back'],
  machines: ['machine_assigned', 'machine_returned', 'host_key_learned'],
} as const;

export type EventKind = keyof typeof KINDS;

/** An event in the person's language; its name, where there are no words for it or a part is missing. */
export function tellEvent({ event, data }: TaskEventRow, manner: Manner): string {
  const key = `event.${event}`;
  if (!isKey(key)) return event;
  const facts = factsOf(data, manner);
  const isWhole = namesIn(eventWords['en-US'][key]).every((name) => facts[name] !== undefined);
  return isWhole ? format(key, facts, manner) : event;
}

function format(key: Key, facts: Facts, { intl }: Manner): string {
  const locale = intl.locale as Locale;
  return String(intl.formatters.getMessageFormat(eventWords[locale][key], locale).format(facts));
}

/** What stands in braces in the words, as people read it. Parts that an event need not have are empty without it. */
function factsOf(data: TaskEventRow['data'], manner: Manner): Facts {
  const facts: Facts = {};
  for (const [name, fact] of Object.entries(data))
    if (typeof fact === 'string' || typeof fact === 'number') facts[name] = fact;
  const list = data.nsids ?? data.node_ids;
  const tookMs = Number(new Date(data.finished as string)) - Number(new Date(data.started as string));
  const end = `end.${facts.end_reason}`;
  const ends = taskWords[manner.intl.locale as Locale] as Record<string, string>;
  const next = `next.${facts.next}`;
  return {
    ...facts,
    count: Array.isArray(list) ? format('part.count', { count: list.length }, manner) : '',
    given: facts.reason === undefined ? '' : ` (${facts.reason})`,
    tried: Number(facts.attempt) > 1 ? format('part.tried', { attempt: facts.attempt ?? 0 }, manner) : '',
    took: Number.isNaN(tookMs) ? '' : format('part.took', { time: durationText(tookMs) }, manner),
    next: isKey(next) ? format(next, {}, manner) : '',
    by: facts.opr_user === undefined ? '' : format('part.by', { user: facts.opr_user }, manner),
    ...(ends[end] === undefined ? {} : { end: ends[end] }),
  };
}
