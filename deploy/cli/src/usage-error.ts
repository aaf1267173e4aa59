/** The command line or the environment is wrong, or names something that does not exist; the message is one line for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
