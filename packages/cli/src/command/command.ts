import type { Invocation } from './invocation.js';

/** A text for people in both languages. */
export interface Words {
  en: string;
  zh: string;
}

/** An option of a command: `--max-failed 20`. */
export interface Flag {
  /** `switch`: it is given or not; `texts`: it may be given several times. */
  type: 'switch' | 'text' | 'texts' | 'number';
  help: Words;
  /** Stands for the value in help: `<tag>`. */
  value?: string;
  /** One letter: `-p`. */
  short?: string;
  /** The only values. */
  choices?: readonly string[];
}

export type Flags = Record<string, Flag>;

/** The values of flags as a command gets them. */
export type Values<F extends Flags> = {
  [Name in keyof F]: F[Name]['type'] extends 'switch'
    ? boolean
    : F[Name]['type'] extends 'texts'
      ? string[]
      : F[Name]['type'] extends 'number'
        ? number | undefined
        : string | undefined;
};

/** What the arguments of a command are, for help and for completion. */
export interface Argument {
  name: string;
  /** Objects that it names; absent: a text. */
  kind?: Kind;
  optional?: boolean;
  /** The last argument may be given several times. */
  many?: boolean;
}

/** Kinds of objects that have names or ids. */
export type Kind =
  | 'cluster'
  | 'service'
  | 'pool'
  | 'node'
  | 'action'
  | 'step'
  | 'template'
  | 'task'
  | 'run'
  | 'schedule'
  | 'token'
  | 'session'
  | 'context';

/** A command: `rigel <name> [arguments] [flags]`. */
export interface Command {
  /** Words that call it: `task list`. */
  name: string;
  help: Words;
  args?: readonly Argument[];
  flags?: Flags;
  /** Words after `--` are its own. */
  takesRest?: boolean;
  /** @returns the exit status; nothing: done. */
  run(invocation: Invocation, args: string[], flags: never): Promise<number | undefined> | Promise<void>;
}

/** Declares a command, so that its flags have their types. */
export function command<const F extends Flags = Record<never, Flag>>(
  spec: Omit<Command, 'flags' | 'run'> & {
    flags?: F;
    run(
      invocation: Invocation,
      args: string[],
      flags: Values<F>,
    ): Promise<number | undefined> | Promise<void>;
  },
): Command {
  return spec as Command;
}
