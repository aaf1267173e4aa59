import { constants } from 'node:os';
import type { AttemptSpec } from './attempt-spec.js';
import { plainText } from './plain-text.js';

/** How an attempt ended. */
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
  /** The command was begun, or may have been, and nobody can tell how it ended. Never to be taken for a success. */
  | {
      kind: 'unknown';
      reason: string;
      /** The node has restarted since the command began. */
      restarted?: true;
    }
  /** It is certain that no action of the attempt has run or will run. */
  | { kind: 'not_started'; reason: string };

/** What a follower or the runner says at the end; the fields of the deciding line of the journal, see common.sh. */
export interface EndRecord {
  word: string;
  a: string;
  b: string;
  outputBytes: number;
}

/** Reads the words after `end` of a control line. */
export function readEndRecord(words: string[]): EndRecord {
  const [word = '', a = '', b = '', bytes = ''] = words;
  if (!/^\d+$/.test(bytes))
    throw new Error(`the node's answer is not understood: end ${plainText(words.join(' '))}`);
  return { word, a, b, outputBytes: Number(bytes) };
}

const unknownReasons: Record<string, string> = {
  rebooted: 'the node was restarted while the command ran',
  gone: 'the process that watched the command is gone and left no exit record (it was killed, or the memory was full)',
  damaged: 'the record of the attempt on the node is damaged',
  void: 'the attempt was prepared on the node, but there is no record of its command being started',
};

/** What became of the output: a part was left out; a part could not be written. */
export interface OutputFate {
  cut: boolean;
  lost: boolean;
}

/** The outcome that an end record stands for. */
export function outcomeOf(record: EndRecord, spec: AttemptSpec, output: OutputFate): AttemptOutcome {
  switch (record.word) {
    case 'exit':
      return exitedOutcome(record, spec, output);
    case 'stopped':
      return { kind: 'stopped' };
    case 'nostart':
      return {
        kind: 'not_started',
        reason: `the file ${record.a} could not be written (was the disk full?)`,
      };
    case 'void':
      return { kind: 'unknown', reason: withPlace('void', spec) };
    default:
      return {
        kind: 'unknown',
        reason: withPlace(record.a, spec),
        ...(record.a === 'rebooted' ? { restarted: true } : {}),
      };
  }
}

function exitedOutcome(record: EndRecord, spec: AttemptSpec, output: OutputFate): AttemptOutcome {
  const exitCode = Number(record.a);
  const actionIndex = Number(record.b);
  const action = spec.actions[actionIndex];
  // Success is the last action's; a record that says otherwise is not of this attempt.
  const fits = action !== undefined && (exitCode !== 0 || actionIndex === spec.actions.length - 1);
  if (!fits) return { kind: 'unknown', reason: withPlace('damaged', spec) };
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

function withPlace(why: string, spec: AttemptSpec): string {
  const reason = unknownReasons[why] ?? `the record of the attempt on the node says ${why}`;
  return `${reason}; see ~/.rigel/attempts/${spec.key}.journal there`;
}
