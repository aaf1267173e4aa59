/** One action of a step on the node. */
export interface AttemptAction {
  /** `command`: one command line for /bin/sh. `script`: a file, run by its `#!` line or else by /bin/sh. */
  kind: 'command' | 'script';
  text: string;
  /** The outcome has this name if the action is the last that ran. */
  name: string;
  /**
   * The text holds a secret: only the owner may read its file, and the action removes the file first. Only for text
   * that a POSIX shell runs.
   */
  confidential?: boolean;
}

/** The commands of an attempt, and its name. */
export interface AttemptSpec {
  /** Names the attempt for ever: 1 to 120 characters of `A-Z a-z 0-9 . _ -`. Never used for anything else again. */
  key: string;
  /** Run in this order; the first that fails ends the attempt. */
  actions: AttemptAction[];
  /** Added to the environment of the actions, which also holds RIGEL_ATTEMPT, the key. */
  env?: Record<string, string>;
  /**
   * The command restarts its node: the record that it began has to be on the disk before, however the node goes down.
   */
  restartsNode?: boolean;
  /** The attempt of the same step before this one. If it has not ended, it is stopped first. */
  previousKey?: string;
  /**
   * The attempts before `previousKey`, the latest first. They are checked up to the first that began: an attempt that
   * began found all attempts before it ended.
   */
  earlierKeys?: readonly string[];
}

const KEY = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,120}$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Checks an attempt's key, which names files on the node. Throws a TypeError that names the field. */
export function checkAttemptKey(key: string, field: string): void {
  if (!KEY.test(key)) {
    throw new TypeError(`${field}: '${key.slice(0, 140)}' is not 1 to 120 of A-Z a-z 0-9 . _ -`);
  }
}

/** Checks the rules that the type does not express. Throws a TypeError that names the field. */
export function checkAttemptSpec(spec: AttemptSpec): void {
  checkAttemptKey(spec.key, 'key');
  if (spec.previousKey !== undefined) {
    checkAttemptKey(spec.previousKey, 'previousKey');
    if (spec.previousKey === spec.key)
      throw new TypeError(`previousKey: '${spec.key}' is the attempt itself`);
  }
  for (const key of spec.earlierKeys ?? []) checkAttemptKey(key, 'earlierKeys');
  if (spec.actions.length === 0) throw new TypeError('actions: there is none');
  for (const [index, action] of spec.actions.entries()) {
    if (action.text.includes('\0')) throw new TypeError(`actions[${index}].text: contains a NUL character`);
  }
  for (const [name, value] of Object.entries(spec.env ?? {})) {
    if (!ENV_NAME.test(name)) throw new TypeError(`env: '${name}' cannot be the name of a variable`);
    if (name === 'RIGEL_ATTEMPT') throw new TypeError('env: RIGEL_ATTEMPT is set by the attempt itself');
    if (value.includes('\0')) throw new TypeError(`env.${name}: contains a NUL character`);
  }
}
