/**
 * Why a connection could not be made. `turned_away`: the other side closed it, or said that it is full; a later try may
 * work.
 */
export type ConnectFailureKind =
  | 'unreachable'
  | 'timeout'
  | 'turned_away'
  | 'refused_key'
  | 'host_key_changed'
  | 'host_key_unknown'
  | 'host_key_revoked'
  | 'protocol';

/** A node could not be reached by SSH. The message is for an operator and says which node and why. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';

  constructor(
    readonly kind: ConnectFailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the host key was wrong, which waiting does not change. */
  get isHostKey(): boolean {
    return this.kind.startsWith('host_key_');
  }
}
