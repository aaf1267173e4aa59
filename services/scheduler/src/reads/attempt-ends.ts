import { readOfTypes } from '@rigel/event-store';
import type { Kysely } from 'kysely';
import type { RunTable, Tables } from '../store/tables.js';
import { type AttemptFailed, type AttemptStopped, streamOf, taskEventTypes } from '../task/events.js';

/** How an attempt ended that did not succeed. */
export type AttemptEnd = (AttemptFailed | AttemptStopped) & { type: 'AttemptFailed' | 'AttemptStopped' };

/** The attempts of a run that did not succeed, oldest first. */
export async function endsOfRun(db: Kysely<Tables>, run: RunTable): Promise<AttemptEnd[]> {
  const events = await readOfTypes(db as unknown as Kysely<unknown>, taskEventTypes, streamOf(run.task_id), [
    'AttemptFailed',
    'AttemptStopped',
  ]);
  return events.filter(({ data }) => data.run === run.index).map(({ type, data }) => ({ ...data, type }));
}

/** The line about an attempt's end in the log of its run. */
export function describeEnd(end: AttemptEnd): string {
  const what = end.type === 'AttemptFailed' ? 'failed' : 'was ended';
  return `[attempt ${end.attempt} ${what}${end.reason ? `: ${end.reason}` : ''}]\n`;
}
