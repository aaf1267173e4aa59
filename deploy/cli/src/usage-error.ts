/** The command line, or the environment, asks for something that is not there; the message is one line for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
