import { randomBytes } from 'node:crypto';
import type { Client, ClientChannel } from 'ssh2';
import { ConnectionLost, SessionRefused } from './connection-lost.js';
import { type FrameHandlers, FrameParser } from './frame-parser.js';
import { plainText } from './plain-text.js';

/** An open SSH connection to a node. Made by `connectToNode`; one serves all steps of a node's run. */
export interface NodeConnection {
  readonly host: string;
  readonly port: number;
  /** The node's host key as `ssh-ed25519 AAAA…`, to be pinned for the next connection. */
  readonly hostKey: string;
  /** Whether this connection was the first to see the key (policy accept-new). */
  readonly hostKeyLearned: boolean;
  /** Resolves, with the reason, when the connection is gone. Never rejects. */
  readonly closed: Promise<string>;
  /** Ends the connection. What runs on the node goes on. */
  close(): void;
}

/** How a script's shell ended. Only one of the two is set, as the server reported it. */
export interface ShellEnd {
  status: number | undefined;
  signal: string | undefined;
  /** The beginning of what was said outside of our control lines: by the login shell, or on standard error. */
  said: string;
}

/** A script that runs in a shell on the node. */
export interface ShellRun {
  /**
   * Resolves when the server has closed the session. Rejects with ConnectionLost when the connection died first or
   * `close` was called, and with what a frame handler threw.
   */
  readonly ended: Promise<ShellEnd>;
  /** Closes the session; the script itself is not stopped. */
  close(): void;
}

/** How a shell is started on the node. */
export interface ShellOptions {
  /** Start the shell as the leader of a session of its own, where the SSH server does not do so. */
  ownSession?: boolean;
}

/** Where the scripts find a POSIX shell. A login shell need not be one (csh, fish), so it is never relied on. */
const POSIX_SHELL = '/bin/sh';

const KEPT_STDERR = 300;

/** The part of a connection that the rest of this package uses. */
export class NodeShell {
  /** Whether this node needs `ownSession`; learned from the first attempt on the connection. */
  needsOwnSession = false;
  /** The shell that runs the scripts and the commands. A field so that others can be tried. */
  shell: string = POSIX_SHELL;

  constructor(
    private readonly client: Client,
    private readonly address: string,
    /** Why the connection is gone; undefined while it stands. */
    private readonly lostBecause: () => string | undefined,
  ) {}

  /**
   * Runs a script, which arrives on the shell's standard input: nothing of it is visible in the node's process list,
   * and it makes no difference which login shell the user has. `script` is given the nonce of its control lines.
   */
  run(script: (nonce: string) => string, handlers: FrameHandlers, options: ShellOptions = {}): ShellRun {
    const nonce = randomBytes(12).toString('hex');
    const command = options.ownSession
      ? // The shell in between is not a group leader and so may call setsid without a fork; no exec, so that it
        // stays and the session lasts as long as the script.
        `exec ${this.shell} -c "setsid ${this.shell} -s; exit"`
      : `exec ${this.shell} -s`;
    let channel: ClientChannel | undefined;
    let closedByUs = false;
    const ended = new Promise<ShellEnd>((resolve, reject) => {
      const fail = (error: unknown) => {
        reject(error);
        channel?.close();
      };
      const onOpen = (error: Error | undefined, opened: ClientChannel) => {
        if (error) {
          reject(this.refusal(error));
          return;
        }
        channel = opened;
        if (closedByUs) {
          opened.close();
          reject(this.lost('the session was closed by us'));
          return;
        }
        const parser = new FrameParser(nonce, handlers);
        const stderr: Buffer[] = [];
        let stderrBytes = 0;
        let status: number | undefined;
        let signal: string | undefined;
        opened.on('data', (chunk: Buffer) => {
          try {
            parser.push(chunk);
          } catch (handlerError) {
            fail(handlerError);
          }
        });
        opened.stderr.on('data', (chunk: Buffer) => {
          if (stderrBytes < KEPT_STDERR) stderr.push(chunk);
          stderrBytes += chunk.length;
        });
        opened.on('exit', (code: number | null, signalName?: string) => {
          status = code ?? undefined;
          signal = signalName;
        });
        opened.on('error', fail);
        opened.on('close', () => {
          if (status === undefined && signal === undefined) {
            reject(
              this.lost(closedByUs ? 'the session was closed by us' : 'the session ended without a status'),
            );
            return;
          }
          try {
            parser.end();
          } catch (handlerError) {
            reject(handlerError);
            return;
          }
          resolve({ status, signal, said: plainText(parser.noise + Buffer.concat(stderr).toString()) });
        });
        // No end of file: the script knows where it ends, and every packet costs on both sides.
        opened.write(script(nonce));
      };
      try {
        this.client.exec(command, onOpen);
      } catch (error) {
        reject(this.lost(error instanceof Error ? error.message : String(error)));
      }
    });
    // Whoever lost interest in a run does not wait for it any more.
    ended.catch(() => undefined);
    return {
      ended,
      close: () => {
        closedByUs = true;
        channel?.close();
      },
    };
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

const shells = new WeakMap<NodeConnection, NodeShell>();

/** Ties a connection to its machinery, which stays private to this package. */
export function registerShell(connection: NodeConnection, shell: NodeShell): void {
  shells.set(connection, shell);
}

/** The machinery of a connection. */
export function shellOf(connection: NodeConnection): NodeShell {
  const shell = shells.get(connection);
  if (shell === undefined) throw new TypeError('connection: not made by connectToNode');
  return shell;
}
