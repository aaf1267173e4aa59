/** Why a connection could not be made. */
export type ConnectFailureKind =
  | 'unreachable'
  | 'timeout'
  | 'refused_key'
  | 'host_key_changed'
  | 'host_key_unknown'
  | 'protocol';

/** A node could not be reached by SSH. The message is written for an operator and says which node and why. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';

  constructor(
    readonly kind: ConnectFailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
