import { randomBytes } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import { LoginStuck } from './connection-lost.js';
import { type FrameHandlers, FrameParser } from './frame-parser.js';
import { plainText } from './plain-text.js';

/** How a script's shell ended. Only one of status and signal is set, as the server reported it. */
export interface ShellEnd {
  status: number | undefined;
  signal: string | undefined;
  /** The first bytes outside of control lines: from the login shell, or on standard error. */
  said: string;
  /** Only the greeting was sent: no script can have run in the session. */
  unsent: boolean;
}

/** The parts of a connection that a session needs. */
export interface SessionOpener {
  /** Runs a command in a new session; throws or calls back with an error if that is impossible. */
  exec(command: string, callback: (error: Error | undefined, channel: ClientChannel) => void): void;
  /** The error for a session that ended with its connection, or was closed by this side. */
  lost(detail: string): Error;
  /** The error for a session that could not be opened. */
  refusal(error: Error): Error;
}

/**
 * The state of the login on a connection. A login shell reads its start-up files first, and a command in one of them
 * that reads standard input takes text that was meant for the script's shell.
 */
export interface Login {
  /** A session of this connection has passed its login, so the next ones need not wait for theirs. */
  proven: boolean;
  /** The node's name in messages. */
  readonly address: string;
  /** How long a login may take. */
  limitMs: number;
}

const KEPT_STDERR = 300;
/**
 * Empty lines before the greeting: a `read` in a login file takes one of them instead of the greeting. The script's
 * shell ignores them.
 */
const SPARE_LINES = '\n'.repeat(8);
/** The control line with which the script's shell answers the greeting. */
const GREETED = 'greeted';
/** Pause before the greeting is sent again: a login file may have read the last one. */
const GREET_AGAIN_MS = 2_000;
const NOBODY: FrameHandlers = { control: () => undefined, data: () => undefined };

/** A shell on the node that reads its commands from this side, in one SSH session. */
export class ShellSession {
  /** Begins every control line, see FrameParser. Only this side and the shell know it. */
  readonly nonce = randomBytes(12).toString('hex');
  /** Resolves when the server has opened the session; rejects like `ended`. */
  readonly opened: Promise<void>;
  /**
   * Resolves when the server has closed the session. Rejects with ConnectionLost when the connection died first or
   * `close` was called, whatever status the shell then ended with; and with the error of a frame handler.
   */
  readonly ended: Promise<ShellEnd>;
  /**
   * Resolves when the login files have ended and the shell reads its input; nothing is sent before that. If the login
   * of the connection is proven, it resolves as soon as the session is open. Never rejects; stays pending if the
   * session ends before.
   */
  readonly ready: Promise<void>;
  /** Whether the shell is prepared to start attempts. */
  prepared = false;
  private channel: ClientChannel | undefined;
  private handlers: FrameHandlers = NOBODY;
  private unsent = '';
  private isReady = false;
  private greetedOnce = true;
  private setReady: () => void = () => undefined;
  private closedByUs = false;
  private settle!: { opened(): void; ended(end: ShellEnd): void; failed(error: unknown): void };

  /** @param after the session opens only after this promise. */
  constructor(
    private readonly opener: SessionOpener,
    command: string,
    private readonly login: Login,
    after: Promise<unknown> | undefined,
  ) {
    this.ready = new Promise((resolve) => {
      this.setReady = resolve;
    });
    let failOpened: (error: unknown) => void = () => undefined;
    let opened: () => void = () => undefined;
    this.opened = new Promise((resolve, reject) => {
      opened = resolve;
      failOpened = reject;
    });
    this.ended = new Promise((resolve, reject) => {
      this.settle = {
        opened,
        ended: resolve,
        failed: (error) => {
          failOpened(error);
          reject(error);
        },
      };
    });
    // A caller that gave up on the session does not await it any more.
    this.opened.catch(() => undefined);
    this.ended.catch(() => undefined);
    if (after === undefined) this.open(command);
    else void after.then(() => this.open(command));
  }

  /** Sends text for the shell to read; from now on, these handlers get its answers. */
  send(text: string, handlers: FrameHandlers): void {
    this.handlers = handlers;
    // No end of file: the script knows its own end, and every packet costs time on both sides.
    if (this.channel && this.isReady) this.channel.write(text);
    else this.unsent += text;
  }

  /**
   * Closes the session; the commands of the shell go on. Handlers get nothing that comes later: the matter has been
   * decided without it, and a handler might act on a state that has changed since.
   */
  close(): void {
    this.closedByUs = true;
    this.handlers = NOBODY;
    this.channel?.close();
  }

  private open(command: string): void {
    if (this.closedByUs) {
      this.settle.failed(this.opener.lost('the executor closed the session'));
      return;
    }
    try {
      this.opener.exec(command, (error, channel) => {
        if (error) this.settle.failed(this.opener.refusal(error));
        else this.onOpen(channel);
      });
    } catch (error) {
      this.settle.failed(this.opener.lost(error instanceof Error ? error.message : String(error)));
    }
  }

  private onOpen(channel: ClientChannel): void {
    this.channel = channel;
    if (this.closedByUs) {
      channel.close();
      this.settle.failed(this.opener.lost('the executor closed the session'));
      return;
    }
    const fail = (error: unknown) => {
      this.settle.failed(error);
      channel.close();
    };
    const parser = new FrameParser(this.nonce, {
      control: (line) => {
        // A greeting that was repeated is answered more than once.
        if (line === GREETED) this.onGreeted(channel);
        else this.handlers.control(line);
      },
      data: (chunk) => this.handlers.data(chunk),
    });
    const stderr: Buffer[] = [];
    let stderrBytes = 0;
    let status: number | undefined;
    let signal: string | undefined;
    let refused = false;
    channel.on('data', (chunk: Buffer) => {
      // After a handler has thrown, nothing that comes later may look as if all had been taken.
      if (refused) return;
      try {
        parser.push(chunk);
      } catch (handlerError) {
        refused = true;
        fail(handlerError);
      }
    });
    channel.stderr.on('data', (chunk: Buffer) => {
      if (stderrBytes >= KEPT_STDERR) return;
      const part = Buffer.from(chunk.subarray(0, KEPT_STDERR - stderrBytes));
      stderr.push(part);
      stderrBytes += part.length;
    });
    channel.on('exit', (code: number | null, signalName?: string) => {
      status = code ?? undefined;
      signal = signalName === undefined ? undefined : plainText(signalName, 40);
    });
    channel.on('error', fail);
    channel.on('close', () => {
      // A shell that read the end of its input because we closed the session has status 0, and may have done anything.
      if (this.closedByUs || (status === undefined && signal === undefined)) {
        const why = this.closedByUs
          ? 'the executor closed the session'
          : 'the session ended without a status';
        this.settle.failed(this.opener.lost(why));
        return;
      }
      try {
        if (!refused) parser.end();
      } catch (handlerError) {
        this.settle.failed(handlerError);
        return;
      }
      this.settle.ended({
        status,
        signal,
        said: plainText(parser.noise + Buffer.concat(stderr).toString()),
        unsent: !this.isReady,
      });
    });
    this.settle.opened();
    if (this.login.proven) {
      this.unsent = SPARE_LINES + this.unsent;
      this.onGreeted(channel);
    } else this.greet(channel, Date.now() + this.login.limitMs, true);
  }

  /**
   * Asks our shell to answer, again and again until it does. A shell of another kind that a login file has put in its
   * place (`exec fish`) does not understand it. When the time is up, nothing of ours has been sent.
   */
  private greet(channel: ClientChannel, deadline: number, first: boolean): void {
    this.greetedOnce = first;
    channel.write(`${SPARE_LINES}case x in x) printf '\\n%s %s\\n' ${this.nonce} ${GREETED};; esac\n`);
    const again = setTimeout(
      () => {
        if (this.isReady || this.closedByUs) return;
        if (Date.now() < deadline) {
          this.greet(channel, deadline, false);
          return;
        }
        this.settle.failed(new LoginStuck(this.login.address, this.login.limitMs / 1000));
        // What reads standard input comes to its end by this.
        channel.end();
        channel.close();
      },
      Math.min(GREET_AGAIN_MS, deadline - Date.now()),
    );
    channel.once('close', () => clearTimeout(again));
  }

  private onGreeted(channel: ClientChannel): void {
    if (this.isReady) return;
    this.isReady = true;
    // Where more than the spare lines were read, the next login will do the same.
    if (this.greetedOnce) this.login.proven = true;
    if (this.unsent !== '') channel.write(this.unsent);
    this.unsent = '';
    this.setReady();
  }
}
