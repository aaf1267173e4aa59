import { ask } from './ask.js';
import { checkAttemptKey } from './attempt-spec.js';
import { isBootId } from './node-answer.js';
import type { NodeConnection } from './node-connection.js';
import { bootsScript } from './node-script.js';
import { plainText } from './plain-text.js';

/** Boot ids of a node, which it has a new one of after each restart. */
export interface Boots {
  /** The one under which the attempt was begun; absent when the node has no record of it. */
  begun?: string;
  /** The one of now; absent on a node that has no boot ids. */
  now?: string;
}

const ANSWER_MS = 20_000;

/**
 * Looks under which boot of the node an attempt was begun, and which it is now: they differ when the node has restarted since.
 * @throws ConnectionLost, or an Error when the node cannot be worked on.
 */
export async function attemptBoots(connection: NodeConnection, key: string): Promise<Boots> {
  checkAttemptKey(key, 'key');
  const answer = await ask(connection, bootsScript(key), ANSWER_MS, `looking at the boot of attempt ${key}`);
  const [word, begun = '', now = '', ...more] = answer.split(' ');
  // `-` is no id, and looks like one.
  if (word !== 'boots' || !isBootId(begun) || !isBootId(now) || more.length > 0) {
    throw new Error(`looking at the boot of attempt ${key} on ${connection.host}: ${plainText(answer)}`);
  }
  return { ...(begun === '-' ? {} : { begun }), ...(now === '-' ? {} : { now }) };
}
