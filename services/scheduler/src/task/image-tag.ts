import type { TaskCreated } from './events.js';

/** The steps that begin a service on a node begin with this; the first of them gets the image's tag. */
export const START_SERVICE = 'start_service';

/** Longest tag that events about nodes repeat, in characters. */
const MAX_TAG = 255;

/** The image tag that a task puts on its nodes; undefined: it puts none. */
export function tagOf({ steps }: TaskCreated): string | undefined {
  for (const { name, param_values } of steps) {
    if (!name.startsWith(START_SERVICE)) continue;
    const { tag } = param_values;
    return typeof tag === 'string' && tag !== '' && tag.length <= MAX_TAG ? tag : undefined;
  }
  return undefined;
}
