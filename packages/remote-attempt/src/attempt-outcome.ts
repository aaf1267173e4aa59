import { constants } from 'node:os';
import type { AttemptSpec } from './attempt-spec.js';
import { byteCount, WrongAnswer, wholeNumber } from './node-answer.js';
import { plainText } from './plain-text.js';

/** The folder of attempts, unless the home folder cannot take them. */
export const HOME_FOLDER = '~/.rigel/attempts';

/** How an attempt ended on its node. */
export type AttemptOutcome =
  | {
      kind: 'exited';
      /** 0 only when every action succeeded. */
      exitCode: number;
      /** The signal that a status above 128 stands for in a shell, for instance `SIGKILL`. */
      signal?: string;
      /** The last action that ran: with a status other than 0, the one that failed. */
      actionIndex: number;
      actionName: string;
      /** How many bytes the actions wrote until they ended. */
      outputBytes: number;
      /** Whether a part was left out. */
      outputCut: boolean;
      /** Output may be missing: the node's disk was full when the command ended. */
      outputLost?: true;
    }
  /** Ended by `stopAttempt`, perhaps before it began. */
  | { kind: 'stopped' }
  /** The command began, or may have begun, and how it ended cannot be known. This never counts as a success. */
  | {
      kind: 'unknown';
      reason: string;
      /** The node has restarted since the command began. */
      restarted?: true;
    }
  /** It is certain that no action of the attempt has run or will run. */
  | { kind: 'not_started'; reason: string };

/** The last line of a follower or of the runner: the fields of the deciding line of the journal, see common.sh. */
export interface EndRecord {
  word: string;
  a: string;
  b: string;
  outputBytes: number;
}

/** The largest status of any shell: in some shells, statuses above 255 stand for signals. */
const LARGEST_STATUS = 999;
/** The form of a reason, or of the name of a file that could not be written. */
const NAME = /^[A-Za-z0-9._-]{1,200}$/;
const END_WORDS = ['exit', 'stopped', 'nostart', 'unknown', 'void'];

/** Reads the words after `end` of a control line. @throws WrongAnswer for words that the scripts do not use. */
export function readEndRecord(words: string[]): EndRecord {
  const [word = '', a = '', b = '', bytes, ...more] = words;
  const said = `end ${words.join(' ')}`;
  const isKnown = END_WORDS.includes(word) && more.length === 0;
  const isText = word === 'nostart' || word === 'unknown';
  if (!isKnown || (isText && !NAME.test(a))) throw new WrongAnswer(said);
  return { word, a, b, outputBytes: byteCount(bytes, said) };
}

const unknownReasons: Record<string, string> = {
  rebooted: 'the node was restarted while the command ran',
  gone: 'the process that watched the command is gone and left no exit record (it was killed, or the memory was full)',
  damaged: 'the record of the attempt on the node is damaged',
  elsewhere: 'the attempt was to be begun at home and in another folder of the node at the same moment',
  void: 'the attempt was prepared on the node, but there is no record of its command being started',
};

/** Whether a part of the output was left out (`cut`), or could not be written (`lost`). */
export interface OutputFate {
  cut: boolean;
  lost: boolean;
}

/**
 * The outcome of an attempt, by its end record.
 * @param folder the folder of the attempt's files.
 */
export function outcomeFrom(
  record: EndRecord,
  spec: AttemptSpec,
  output: OutputFate,
  folder: string,
): AttemptOutcome {
  const unknown = (why: string): AttemptOutcome => ({
    kind: 'unknown',
    reason: withPlace(why, spec, folder),
  });
  switch (record.word) {
    case 'exit':
      return exitedOutcome(record, spec, output) ?? unknown('damaged');
    case 'stopped':
      return { kind: 'stopped' };
    case 'nostart':
      if (record.a === 'elsewhere') return unknown('elsewhere');
      return {
        kind: 'not_started',
        reason: `the file ${record.a} could not be written (was the disk full?)`,
      };
    case 'void':
      return unknown('void');
    default:
      return { ...unknown(record.a), ...(record.a === 'rebooted' ? { restarted: true } : {}) };
  }
}

/** Undefined if the record cannot be one of this attempt. */
function exitedOutcome(record: EndRecord, spec: AttemptSpec, output: OutputFate): AttemptOutcome | undefined {
  const exitCode = wholeNumber(record.a, LARGEST_STATUS);
  const actionIndex = wholeNumber(record.b, spec.actions.length - 1);
  if (exitCode === undefined || actionIndex === undefined) return undefined;
  const action = spec.actions[actionIndex];
  // Only the last action can end an attempt with success; any other record is not of this attempt.
  const fits = action !== undefined && (exitCode !== 0 || actionIndex === spec.actions.length - 1);
  if (!fits) return undefined;
  const signal = exitCode > 128 ? signalName(exitCode - 128) : undefined;
  return {
    kind: 'exited',
    exitCode,
    ...(signal === undefined ? {} : { signal }),
    actionIndex,
    actionName: action.name,
    outputBytes: record.outputBytes,
    outputCut: output.cut,
    ...(output.lost ? { outputLost: true } : {}),
  };
}

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

function withPlace(why: string, spec: AttemptSpec, folder: string): string {
  const reason = unknownReasons[why] ?? `the record of the attempt on the node says ${plainText(why, 100)}`;
  return `${reason}; see ${folder}/${spec.key}.journal there`;
}
