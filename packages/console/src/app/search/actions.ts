import type { KeyOf } from '../../text/words.js';
import { to } from '../addresses.js';
import type { Found, Result } from './results.js';
import type { searchWords } from './words.js';

/** What can be done with an object that the search finds. Each address opens the dialog that asks before anything is done. */
const ACTIONS = {
  deploy: { of: 'pool', address: (id: number) => to.pool(id, { do: 'deploy' }) },
  expand: { of: 'pool', address: (id: number) => to.pool(id, { do: 'expand' }) },
  shrink: { of: 'pool', address: (id: number) => to.pool(id, { do: 'shrink' }) },
  start: { of: 'task', address: (id: number) => to.task(id, { do: 'start' }) },
  pause: { of: 'task', address: (id: number) => to.task(id, { do: 'pause' }) },
  stop: { of: 'task', address: (id: number) => to.task(id, { do: 'stop' }) },
  run: { of: 'template', address: (id: number) => to.newTask({ template: id }) },
} as const satisfies Record<string, { of: Found['kind']; address: (id: number) => string }>;

export type ActionName = keyof typeof ACTIONS;

const NAMES = Object.keys(ACTIONS) as ActionName[];
/** A shorter beginning of a verb is that of too many names. */
const LEAST = 3;

/** "pause task 42" is "pause 42". */
const KIND = /^(?:task|pool|template|任务|服务池|模板)\s+/i;

type Say = (key: KeyOf<typeof searchWords>, data?: Record<string, string | number>) => string;

/**
 * Takes a verb off the front of what was typed: "deploy web" is the deployment of what "web" finds. The verb may be that of the
 * language, or English; its beginning suffices.
 */
export function splitVerb(typed: string, text: Say): { verb: ActionName | undefined; rest: string } {
  const [, first = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(typed) ?? [];
  const said = first.toLowerCase();
  const verb = NAMES.find((name) => {
    const own = text(`verb.${name}`).toLowerCase();
    return said === own || said === name || (said.length >= LEAST && name.startsWith(said));
  });
  return verb === undefined ? { verb, rest: typed } : { verb, rest: rest.trim().replace(KIND, '') };
}

/** The actions with what was found: those of the verb, or all of an object that is the only one of its kind. */
export function actionsOn(found: readonly Found[], verb: ActionName | undefined, text: Say): Result[] {
  return NAMES.flatMap((name) => {
    const { of, address } = ACTIONS[name];
    const objects = found.filter(({ kind }) => kind === of);
    if (verb === undefined ? objects.length !== 1 : verb !== name) return [];
    return objects.map((object) => ({
      kind: 'do' as const,
      key: `do-${name}-${object.id}`,
      name: text(`do.${name}`, { name: of === 'task' ? `#${object.id} ${object.name}` : object.name }),
      detail: object.detail,
      address: address(object.id),
    }));
  });
}
