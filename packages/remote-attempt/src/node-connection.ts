import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { ConnectionLost, SessionRefused } from './connection-lost.js';
import type { FrameHandlers } from './frame-parser.js';
import type { NodeScript } from './node-script.js';
import { plainText } from './plain-text.js';
import { type Login, ShellSession } from './shell-session.js';

/** An open SSH connection to a node, from `connectToNode`. One connection serves all steps of a node run. */
export interface NodeConnection {
  readonly host: string;
  readonly port: number;
  /** The node's host key as `ssh-ed25519 AAAA…`, which the next connection has to see again. */
  readonly hostKey: string;
  /** Whether this connection was the first to see the key (policy accept-new). */
  readonly hostKeyLearned: boolean;
  /** The number of bytes that have come from the node. */
  received?: () => number;
  /** Resolves, with the reason, when the connection is gone. Never rejects. */
  readonly closed: Promise<string>;
  /** Ends the connection. Commands on the node go on. */
  close(): void;
}

/** How a shell is started on the node. */
export interface ShellOptions {
  /** Start the shell as the leader of a session of its own, where the SSH server does not do so. */
  ownSession?: boolean;
}

/** The POSIX shell of the scripts. The login shell may not be one (csh, fish), so it is never used. */
const POSIX_SHELL = '/bin/sh';
/** How long a login may take. Home folders on a network and user directories are sometimes slow. */
const LOGIN_MS = 30_000;
/** How long to wait for the server to close a session after the last line of its script. */
export const SESSION_END_MS = 1000;

/** The part of a connection that the rest of this package uses. */
export class NodeShell {
  /** Whether this node needs `ownSession`; learned from the first attempt on the connection. */
  needsOwnSession = false;
  /** The shell that runs the scripts and the commands. A field, so that tests can use other shells. */
  shell: string = POSIX_SHELL;
  /** Folders besides `~/.rigel/attempts` that may hold attempts, see node-scripts/places.sh. */
  otherFolders: readonly string[] = [];
  /** A shell that waits for the next attempt. */
  private idle: ShellSession | undefined;
  readonly login: Login;

  constructor(
    private readonly client: Client,
    private readonly address: string,
    /** Why the connection is gone; undefined while it is open. */
    private readonly lostBecause: () => string | undefined,
  ) {
    this.login = { proven: false, address, limitMs: LOGIN_MS };
  }

  /**
   * Runs a script on the shell's standard input: it is not visible in the node's process list, and the user's login
   * shell does not matter.
   */
  run(script: NodeScript, handlers: FrameHandlers, options: ShellOptions = {}): ShellSession {
    // A server may allow one session at a time.
    const idle = this.takeIdle();
    idle?.close();
    const session = this.open(options, idle && Promise.race([idle.ended.catch(() => undefined), wait()]));
    session.send(script(session.nonce), handlers);
    return session;
  }

  /** A shell to start an attempt in: the waiting one, or a new one. */
  starter(): ShellSession {
    return this.takeIdle() ?? this.open({ ownSession: this.needsOwnSession });
  }

  /** Keeps a shell that can start another attempt. */
  keep(session: ShellSession): void {
    if (this.idle !== undefined) {
      session.close();
      return;
    }
    this.idle = session;
    const forget = () => {
      if (this.idle === session) this.idle = undefined;
    };
    session.ended.then(forget, forget);
  }

  /** Opens the shell for the next attempt ahead of time, in place of the waiting one. */
  async prepare(timeoutMs: number): Promise<void> {
    this.closeIdle();
    const session = this.open({ ownSession: this.needsOwnSession });
    const late = sleep(timeoutMs, undefined, { ref: false }).then(() => {
      throw new ConnectionLost(`${this.address} did not open a session in ${timeoutMs / 1000} s`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([session.opened, late]);
    } catch (error) {
      session.close();
      throw error;
    }
    this.keep(session);
  }

  /** Closes the waiting shell, if there is one. */
  closeIdle(): void {
    this.takeIdle()?.close();
  }

  private takeIdle(): ShellSession | undefined {
    const { idle } = this;
    this.idle = undefined;
    return idle;
  }

  private open(options: ShellOptions, after?: Promise<unknown>): ShellSession {
    const command = options.ownSession
      ? // The shell in between is not a group leader and so may call setsid without a fork; no exec, so that it
        // stays and the session lasts as long as the script.
        `exec ${this.shell} -c "setsid ${this.shell} -s; exit"`
      : `exec ${this.shell} -s`;
    return new ShellSession(
      {
        exec: (text, callback) => {
          this.client.exec(text, callback);
        },
        lost: (detail) => this.lost(detail),
        refusal: (error) => this.refusal(error),
      },
      command,
      this.login,
      after,
    );
  }

  private lost(detail: string): ConnectionLost {
    return new ConnectionLost(
      `the SSH connection to ${this.address} was lost: ${plainText(this.lostBecause() ?? detail)}`,
    );
  }

  private refusal(error: Error): ConnectionLost {
    const refused = 'reason' in error || /unable to exec/i.test(error.message);
    if (!refused || this.lostBecause() !== undefined) return this.lost(error.message);
    return new SessionRefused(`${this.address} refused to open a session: ${plainText(error.message)}`);
  }
}

function wait(): Promise<void> {
  return sleep(SESSION_END_MS, undefined, { ref: false });
}

/**
 * Makes a connection idle after a run: commands of the next run then have the environment of a new login.
 */
export function restConnection(connection: NodeConnection): void {
  shellOf(connection).closeIdle();
}

/**
 * Makes sure that an idle connection still works, before any command starts over it. The shell that this opens serves
 * the next attempt. Throws ConnectionLost when the node does not answer in time.
 */
export async function wakeConnection(connection: NodeConnection, timeoutMs: number): Promise<void> {
  await shellOf(connection).prepare(timeoutMs);
}

const shells = new WeakMap<NodeConnection, NodeShell>();

/** Connects a connection with its shells, which stay private to this package. */
export function registerShell(connection: NodeConnection, shell: NodeShell): void {
  shells.set(connection, shell);
}

/** The shells of a connection. */
export function shellOf(connection: NodeConnection): NodeShell {
  const shell = shells.get(connection);
  if (shell === undefined) throw new TypeError('connection: not made by connectToNode');
  return shell;
}
