import {
  attemptBoots,
  type ConnectionSettings,
  connectToNode,
  type NodeConnection,
  runAttempt,
  stopAttempt,
} from '@rigel/remote-attempt';

/** How nodes are reached by SSH, and what applies to commands on them. */
export interface SshSettings {
  connection: ConnectionSettings;
  /** The port of nodes whose address names none. */
  defaultPort: number;
  outputLimitBytes: number;
  /** Time between TERM and KILL for a command whose step does not set it. Default: that of `stopAttempt`. */
  stopGraceMs?: number;
  /** How long the executor tries again at a node that turns connections away. Default: it does not try again. */
  connectRetryMs?: number;
}

/** What a runner does on nodes. */
export interface NodeAccess {
  connect: typeof connectToNode;
  run: typeof runAttempt;
  stop: typeof stopAttempt;
  boots: typeof attemptBoots;
  /** Takes back the connection of a run that is over. Without this function, the runner closes the connection. */
  giveBack?(connection: NodeConnection): void;
}

/** Nodes reached by SSH. */
export const sshAccess: NodeAccess = {
  connect: connectToNode,
  run: runAttempt,
  stop: stopAttempt,
  boots: attemptBoots,
};
