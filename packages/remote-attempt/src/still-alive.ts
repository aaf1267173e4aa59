import { wholeNumber } from './node-answer.js';
import { plainText } from './plain-text.js';

/** A process that could not be ended. */
export interface Survivor {
  /** Negative: a process group whose processes the node does not show (hidepid). */
  pid: number;
  /** Empty if it is not known. */
  user: string;
  name: string;
}

/** Most processes that a message names. */
const NAMED = 20;
/** The largest process id of any system. */
const MOST_PROCESSES = 2 ** 22;

/**
 * Processes of an attempt are alive after KILL, or processes are alive that may belong to it. `message` names them for
 * people.
 */
export class StillAlive extends Error {
  override readonly name = 'StillAlive';

  constructor(
    readonly key: string,
    readonly host: string,
    readonly survivors: { count: number; named: readonly Survivor[] },
  ) {
    super(`could not be ended and may still run: ${describe(survivors)}`);
  }
}

/** Reads the words after `alive` of a node's answer, see stop.sh. */
export function survivorsOf(words: readonly string[]): { count: number; named: Survivor[] } {
  const [count, ...texts] = words;
  const named = texts.slice(0, NAMED).flatMap((text) => {
    const [pid = '', user = '', name = ''] = text.split('/');
    return /^-?\d{1,10}$/.test(pid) ? [{ pid: Number(pid), user: known(user), name: known(name) }] : [];
  });
  return { count: Math.max(named.length, wholeNumber(count, MOST_PROCESSES) ?? 0), named };
}

const known = (word: string): string => (word === '?' ? '' : plainText(word, 40));

function describe({ count, named }: { count: number; named: readonly Survivor[] }): string {
  const texts = named.map(({ pid, user, name }) => {
    if (pid < 0) return `a process in group ${-pid}, which the node does not show (hidepid)`;
    const what = [user, name].filter((part) => part !== '').join(', ');
    return what === '' ? `${pid} (which the node does not show)` : `${pid} (${what})`;
  });
  const more = count - named.length;
  if (more > 0) texts.push(`${more} more`);
  return texts.length > 0 ? texts.join(', ') : 'processes that the node does not name';
}
