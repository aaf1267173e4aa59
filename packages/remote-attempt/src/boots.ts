import { ask } from './ask.js';
import { checkAttemptKey } from './attempt-spec.js';
import { isBootId } from './node-answer.js';
import type { NodeConnection } from './node-connection.js';
import { bootsScript } from './node-script.js';
import { plainText } from './plain-text.js';

/** Boot ids of a node; each restart gives it a new one. */
export interface Boots {
  /** The boot id under which the attempt began; absent if the node has no record of it. */
  begun?: string;
  /** The present boot id; absent on a node that has no boot ids. */
  now?: string;
}

const ANSWER_MS = 20_000;

/**
 * The boot ids under which an attempt began and of now: they differ if the node has restarted since.
 * @throws ConnectionLost, or an Error when the node cannot be worked on.
 */
export async function attemptBoots(connection: NodeConnection, key: string): Promise<Boots> {
  checkAttemptKey(key, 'key');
  const answer = await ask(connection, bootsScript(key), ANSWER_MS, `looking at the boot of attempt ${key}`);
  const [word, begun = '', now = '', ...more] = answer.split(' ');
  // `-` means that there is no id, and has the form of one.
  if (word !== 'boots' || !isBootId(begun) || !isBootId(now) || more.length > 0) {
    throw new Error(`looking at the boot of attempt ${key} on ${connection.host}: ${plainText(answer)}`);
  }
  return { ...(begun === '-' ? {} : { begun }), ...(now === '-' ? {} : { now }) };
}
