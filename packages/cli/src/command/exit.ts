/** Exit statuses, for scripts. `rigel help exit-codes` prints this table. */
export const EXIT = {
  /** It is done, or the answer is good. */
  done: 0,
  /** It looked or waited, and the answer is not good: a task failed, differences were found. */
  notGood: 1,
  /** It could not look or do: the command line, the connection, the server. */
  couldNot: 2,
  /** A rule or a state refuses it: a plan that has changed, another version, a node that is held. */
  refused: 3,
  /** No token, a wrong one, or one whose role is too low. */
  notAllowed: 4,
  /** There is no such object. */
  notFound: 5,
  /** The time of a wait is over; what it waited for goes on. */
  timeout: 7,
  /** Interrupted by Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** A command ends without success. The message says what, which value, and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly status: ExitStatus = EXIT.couldNot,
    /** For programs: code of the refusal, correlation id. */
    readonly details: {
      code?: string | undefined;
      correlationId?: string | undefined;
      /** Lines below the message: each mistake of several. */
      lines?: readonly string[];
    } = {},
  ) {
    super(message);
  }
}
