import type { ProcessExit, ServerHandle } from '@rigel/local-servers';

interface CommonSpec {
  /** Unique; also the name of its log and pid file. */
  name: string;
  /** Processes of a lower stage are stopped, and gone, before those of the next one are. */
  stopStage: number;
}

/** A process that is a command: it runs until SIGTERM. Standard output is its log, expected to be JSON lines. */
export interface CommandSpec extends CommonSpec {
  command: string;
  args: string[];
  /** The whole environment of the process: nothing is inherited. */
  env: Record<string, string>;
  cwd?: string;
  /** Ready when this address answers 200 to GET; without it, ready when started. */
  readiness?: {
    url: string;
    /** Certificate of the authority to trust, for https. */
    caFile?: string;
  };
}

/** What a server is started with. */
export interface ServerStart {
  logFile: string;
  /** Called once, if the server ends without being stopped. */
  onExit: (exit: ProcessExit) => void;
  /** Aborted when the start is no longer wanted. */
  signal: AbortSignal;
}

/** A process that has its own way to be started and stopped. */
export interface ServerSpec extends CommonSpec {
  /** Resolves when the server is ready. */
  start: (options: ServerStart) => Promise<ServerHandle>;
}

/** A process to keep running. */
export type ProcessSpec = CommandSpec | ServerSpec;
