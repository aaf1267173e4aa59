import type { live, RpcRequest, RpcResponse } from '@rigel/contracts';
import type { TimeFormat } from '../answer/time-format.js';
import { END_EVENT, encodeEvent, endId } from './live-stream.js';
import type { Page } from './page-cache.js';

/** Most events in one read. */
const LIMIT = 200;
/** Fields of events that hold times. */
const TIMES = ['started', 'finished', 'next_look'] as const;

type Events = RpcResponse<typeof live.taskEvents>;

/** A place in a task's events is the version of its stream. Undefined if the text is not a place. */
export function taskPlace(text: string): string | undefined {
  return /^(0|[1-9]\d{0,8})$/.test(text) ? text : undefined;
}

/** The events of a task after a place, and its last place. */
export async function readTaskPage(
  id: number,
  place: string,
  {
    ask,
    times,
  }: { ask: (request: RpcRequest<typeof live.taskEvents>) => Promise<Events>; times: TimeFormat },
): Promise<Page & { last: number }> {
  const { events, version, over } = await ask({ id, after: Number(place), limit: LIMIT });
  const text = events
    .map(({ version, time, event, data }) =>
      encodeEvent(String(version), event, {
        task_id: id,
        time: times.rfc3339(time),
        ...withShownTimes(data, times),
      }),
    )
    .join('');
  const next = String(events.at(-1)?.version ?? place);
  const end =
    over && events.length === 0 ? encodeEvent(endId(next), END_EVENT, { task_id: id, ...over }) : undefined;
  return { text, next, end, last: version };
}

/** Data of an event with its times as text. */
export function withShownTimes(
  data: Events['events'][number]['data'],
  times: TimeFormat,
): Record<string, unknown> {
  const result = { ...data };
  for (const name of TIMES) {
    const ms = result[name];
    if (typeof ms === 'number') result[name] = times.rfc3339(ms);
  }
  return result;
}
