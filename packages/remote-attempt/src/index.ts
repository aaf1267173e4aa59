export { type AlgorithmSet, LEGACY_HINT, weakKeyProblem } from './algorithms.js';
export {
  attemptsFolderProblem,
  type FallbackFolders,
  fallbackFolders,
  isInMemory,
} from './attempt-folders.js';
export type { AttemptOutcome } from './attempt-outcome.js';
export type { OutputChunk } from './attempt-output.js';
export type { AttemptAction, AttemptSpec } from './attempt-spec.js';
export { attemptBoots, type Boots } from './boots.js';
export {
  type ConnectionSettings,
  connectToNode,
  type NodeTarget,
  nodeAddress,
} from './connect.js';
export { ConnectFailure, type ConnectFailureKind } from './connect-failure.js';
export { ConnectionLost } from './connection-lost.js';
export { type HostKeyPolicy, hostKeyFingerprint } from './host-keys.js';
export { CLOSE_KEY_FILE, readableByOthers } from './key-file.js';
export { type KnownHosts, type KnownHostsLookup, knownHostsFile } from './known-hosts.js';
export { type NodeConnection, restConnection, wakeConnection } from './node-connection.js';
export type { AttemptPlace } from './node-script.js';
export { type PrivateKeyText, privateKeyProblem, publicKeyOf } from './private-key.js';
export { DEFAULT_OUTPUT_LIMIT_BYTES, type RunOptions, runAttempt } from './run-attempt.js';
export { runScript, type ScriptResult } from './run-script.js';
export { generateSshKey, type SshKeyPair } from './ssh-key.js';
export { StillAlive, type Survivor } from './still-alive.js';
export {
  DEFAULT_GRACE_MS,
  pruneAttempts,
  type StopOptions,
  type StopResult,
  stopAttempt,
} from './stop-attempt.js';
export { openTunnel } from './tunnel.js';
