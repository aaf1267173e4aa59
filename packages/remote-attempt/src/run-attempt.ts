import { ask } from './ask.js';
import { isDiskFull, isInMemory, withFolders } from './attempt-folders.js';
import { type AttemptOutcome, HOME_FOLDER, outcomeFrom, readEndRecord } from './attempt-outcome.js';
import { AttemptOutput, type OutputChunk } from './attempt-output.js';
import { type AttemptSpec, checkAttemptSpec } from './attempt-spec.js';
import { ConnectionLost, LoginStuck, SessionRefused } from './connection-lost.js';
import type { FrameHandlers } from './frame-parser.js';
import { byteCount, isBootId, WrongAnswer } from './node-answer.js';
import { type NodeConnection, type NodeShell, SESSION_END_MS, shellOf } from './node-connection.js';
import {
  type AttemptFolders,
  type AttemptPlace,
  attemptCommand,
  findPlaceScript,
  followScript,
  startPreparation,
} from './node-script.js';
import { plainText } from './plain-text.js';
import type { ShellEnd, ShellSession } from './shell-session.js';
import { type StopOptions, stopAttempt } from './stop-attempt.js';

/** Options of `runAttempt`. */
export interface RunOptions {
  /** Called with the output, in order and without gaps, while the command runs and at the latest before the outcome. */
  onOutput: (chunk: OutputChunk) => void;
  /**
   * How much output is kept, on the node and in the end: half of the limit for the beginning and half for the end.
   * Default 1 MiB. The first call that follows an attempt settles the limit for the whole attempt.
   */
  outputLimitBytes?: number;
  /** The offset from which to go on with the output, for an executor that took the attempt over. Default 0. */
  fromOffset?: number;
  /**
   * Whether an earlier call, in any process, may have begun this attempt. Then a node that shows nothing (its shell is
   * gone, its home folder cannot be read) makes the outcome `unknown`, not `not_started`. Default false.
   */
  mayHaveStarted?: boolean;
  /**
   * The recorded place of the attempt: the call looks for the attempt there and never begins it. If the attempt is not
   * there, its outcome is unknown.
   */
  place?: AttemptPlace | undefined;
  /** Recorded folders of attempts of this run, in addition to those that the connection knows. */
  folders?: readonly string[];
  /**
   * Called when the node's home folder cannot take the attempt, and another folder can. Only an executor may give it
   * that is the only one ever asked to begin this attempt. It makes the place durable, so that every later call gets it
   * as `place`, and then resolves with undefined (the attempt begins there), or with why the attempt must not begin
   * there. Without it the attempt is not started.
   */
  beginElsewhere?: (place: AttemptPlace, why: string) => Promise<string | undefined>;
  /** Time between TERM and KILL for the attempt before, if this call has to end it, see `stopAttempt`. */
  stopGraceMs?: number;
  /** How long to wait for a quick command to end before its output is streamed, over a second session. Default 700. */
  followAfterMs?: number;
  /** Ends this call, not the command; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

export const DEFAULT_OUTPUT_LIMIT_BYTES = 1024 * 1024;
/** The largest limit of any setting; a node that says more is not believed. */
const LARGEST_OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;
const DEFAULT_FOLLOW_AFTER_MS = 700;
/** Time limit for finding another folder. */
const FIND_PLACE_MS = 20_000;
/** The exit status of start.sh if it gave up after it began. */
const STATUS_BEGUN = 99;
/** How many requests of the start script this call fulfils before the node counts as broken. */
const MOST_REQUESTS = 10;
/** After this many follow scripts that ended without an answer (killed on the node), the caller has to reconnect. */
const FOLLOW_TRIES = 3;

/**
 * Runs an attempt, or finds it again if an earlier call began it: the same call does both, any number of times, from
 * any process, and the command runs once. Resolves with how the attempt ended.
 * @throws ConnectionLost when the connection dies; the command goes on: connect again and make the same call with the
 *   `fromOffset`
 *   reached.
 * @throws StillAlive when the attempt is being stopped and cannot be ended; with the key of an earlier attempt, when
 *   that one cannot be
 *   ended: then this one was not begun.
 */
export async function runAttempt(
  connection: NodeConnection,
  spec: AttemptSpec,
  options: RunOptions,
): Promise<AttemptOutcome> {
  checkAttemptSpec(spec);
  checkWholeNumber(options.outputLimitBytes ?? DEFAULT_OUTPUT_LIMIT_BYTES, 1, 'outputLimitBytes');
  checkWholeNumber(options.fromOffset ?? 0, 0, 'fromOffset');
  const { signal } = options;
  signal?.throwIfAborted();
  const run = new AttemptRun(connection, spec, options);
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal?.reason);
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([run.outcome(), aborted]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    run.detach();
  }
}

/** `next`: the shell that ran the attempt waits for the next one. */
type StartEnd = { kind: 'outcome'; outcome: AttemptOutcome; next: boolean };

/** The home folder cannot take the files. `mine`: this start script made the journal there. */
type UnwritableAnswer = { kind: 'unwritable'; mine: boolean; why: string };

/** The answer of a start script. */
type StartAnswer =
  | StartEnd
  | { kind: 'taken' | 'previous' | 'leader' }
  | UnwritableAnswer
  /** The script ended without an answer. */
  | { kind: 'silent'; end: ShellEnd };

/** The answer of a follow script. */
type FollowAnswer =
  | { kind: 'outcome'; outcome: AttemptOutcome }
  | { kind: 'absent'; bootId: string }
  | { kind: 'stopping' }
  | { kind: 'silent'; found: boolean; end: ShellEnd };

type Starter = { answer: Promise<StartAnswer>; session: ShellSession };

/** One call of `runAttempt`. */
class AttemptRun {
  private readonly shell: NodeShell;
  private readonly output: AttemptOutput;
  private readonly followAfterMs: number;
  private readonly sessions = new Set<ShellSession>();
  private readonly folders: AttemptFolders;
  /** The folder in which a follow script found the attempt. */
  private foundIn: string | undefined;
  private detached = false;
  /** All attempts before this one were seen to have ended. */
  private previousEnded = false;
  private outputLost = false;
  private requests = 0;

  constructor(
    private readonly connection: NodeConnection,
    private readonly spec: AttemptSpec,
    private readonly options: RunOptions,
  ) {
    this.shell = shellOf(connection);
    this.folders = {
      others: withFolders(this.shell.otherFolders, options.folders),
      place: options.place,
    };
    this.followAfterMs = options.followAfterMs ?? DEFAULT_FOLLOW_AFTER_MS;
    this.output = new AttemptOutput(
      options.outputLimitBytes ?? DEFAULT_OUTPUT_LIMIT_BYTES,
      options.fromOffset ?? 0,
      (chunk) => {
        if (!this.detached) options.onOutput(chunk);
      },
    );
  }

  /** Stops following. */
  detach(): void {
    this.detached = true;
    for (const session of this.sessions) session.close();
  }

  async outcome(): Promise<AttemptOutcome> {
    try {
      return await this.toItsEnd();
    } catch (error) {
      // The answer makes no sense, so it does not say what ran there.
      if (error instanceof WrongAnswer) return { kind: 'unknown', reason: error.message };
      throw error;
    }
  }

  private async toItsEnd(): Promise<AttemptOutcome> {
    // An executor may have begun it in memory, so its absence there would prove nothing.
    if (this.folders.place !== undefined) {
      const outcome = await this.followToEnd(undefined);
      return outcome ?? this.vanished();
    }
    for (;;) {
      const starter = this.start();
      // During a slow login nothing has been sent, and a second session would wait for the same login.
      await Promise.race([starter.session.ready, starter.answer.catch(() => undefined)]);
      const answer = await this.within(starter.answer, this.followAfterMs);
      const outcome =
        answer === undefined ? await this.followToEnd(starter) : await this.afterStart(answer, starter);
      if (outcome !== undefined) return outcome;
    }
  }

  /** The outcome after the start script's answer; undefined if the script has to run again. */
  private async afterStart(answer: StartAnswer, starter: Starter): Promise<AttemptOutcome | undefined> {
    if (answer.kind === 'silent') return this.followToEnd(undefined, answer.end);
    if (answer.kind === 'outcome' && answer.next) {
      this.sessions.delete(starter.session);
      this.shell.keep(starter.session);
      return answer.outcome;
    }
    // A server that allows one session at a time opens the next one only when this one has ended.
    const ended = starter.session.ended.catch((error) => {
      // The outcome is known, so the connection does not matter any more.
      if (answer.kind !== 'outcome') throw error;
    });
    await this.within(ended, SESSION_END_MS);
    if (answer.kind !== 'outcome' && answer.kind !== 'taken') this.countRequest(answer.kind);
    switch (answer.kind) {
      case 'outcome':
        return this.asFarAsKnown(answer.outcome);
      case 'taken':
        return this.followToEnd(undefined);
      case 'previous':
        await this.stopPrevious();
        return undefined;
      case 'unwritable':
        return this.goElsewhere(answer);
      case 'leader':
        if (this.shell.needsOwnSession) {
          const reason = 'the command cannot be given a session of its own on the node';
          return this.asFarAsKnown({ kind: 'not_started', reason });
        }
        this.shell.needsOwnSession = true;
        return undefined;
    }
  }

  /** The outcome if the attempt cannot begin in another folder; undefined if the start script has to run there. */
  private async goElsewhere({ mine, why }: UnwritableAnswer): Promise<AttemptOutcome | undefined> {
    const not = (reason: string): AttemptOutcome => this.asFarAsKnown({ kind: 'not_started', reason });
    // Every command would meet the same fault, so an operator has to put it right once.
    if (!mine && !isDiskFull(why))
      return not(`${why} (the user has to be able to write into its home folder)`);
    const { beginElsewhere } = this.options;
    if (beginElsewhere === undefined) return not(why);
    const place = await this.findPlace();
    if (typeof place === 'string') return not(`${why}; ${place}`);
    const problem = await beginElsewhere(place, why);
    if (problem !== undefined) return not(`${why}; it was not begun in ${place.folder}: ${problem}`);
    Object.assign(this.folders, { place, mine });
    return undefined;
  }

  /** A folder that takes the attempt's files, or why there is none. */
  private async findPlace(): Promise<AttemptPlace | string> {
    const { connection, folders, spec } = this;
    if (folders.others.length === 0)
      return 'the settings name no other folder (attempts_folder, attempts_in_memory)';
    const script = findPlaceScript(spec.key, folders.others);
    const answer = await ask(connection, script, FIND_PLACE_MS, 'looking for another folder').catch(
      (error: Error) => {
        if (error instanceof ConnectionLost) throw error;
        return error.message;
      },
    );
    const [word, bootId = '', folder = ''] = answer.split(' ');
    if (word === 'place' && isBootId(bootId) && folders.others.includes(folder)) return { folder, bootId };
    return plainText(answer.replace(/^none /, ''));
  }

  /**
   * Follows the attempt to its end. `starter` is the start script that has not answered yet, `silentEnd` the end of one
   * that said nothing; neither is given if the attempt certainly exists. Undefined if the start script has to run
   * again.
   */
  private async followToEnd(
    starter: Starter | undefined,
    silentEnd?: ShellEnd,
  ): Promise<AttemptOutcome | undefined> {
    let silentTries = 0;
    for (;;) {
      const follower = this.follow(() => {
        starter?.session.close();
        starter = undefined;
      });
      const answer = await this.firstAnswer(follower.answer, starter);
      this.end(follower.session);
      switch (answer.kind) {
        case 'outcome':
          if (starter !== undefined && 'next' in answer) return this.afterStart(answer, starter);
          return answer.outcome;
        case 'unwritable':
          this.countRequest(answer.kind);
          // Its answer may have come together with the line that says that the attempt is claimed.
          return starter === undefined ? this.goElsewhere(answer) : this.afterStart(answer, starter);
        case 'stopping':
          this.countRequest(answer.kind);
          await stopAttempt(this.connection, this.spec.key, this.stopOptions);
          break;
        case 'absent': {
          if (silentEnd !== undefined && !mayHaveBegun(silentEnd)) return this.noShell(silentEnd, false);
          if (starter === undefined) return this.vanished(answer.bootId);
          // The node is slow: the start script has not done anything yet.
          const late = await this.within(starter.answer, this.followAfterMs);
          if (late !== undefined) return this.afterStart(late, starter);
          break;
        }
        case 'silent':
          if (!answer.found) {
            // No second shell can be had. The start script tells the outcome, when it still runs.
            if (starter !== undefined) return this.afterStart(await starter.answer, starter);
            return this.noShell(answer.end, silentEnd === undefined || mayHaveBegun(silentEnd));
          }
          silentTries += 1;
          if (silentTries === FOLLOW_TRIES) {
            throw new ConnectionLost(
              `following attempt ${this.spec.key} on ${this.connection.host} ended ${FOLLOW_TRIES} times ` +
                `without an answer (${describeEnd(answer.end)})`,
            );
          }
      }
    }
  }

  /** The follow script's answer; or the start script's, if that comes first and decides what comes next. */
  private async firstAnswer(
    following: Promise<FollowAnswer>,
    starter: Starter | undefined,
  ): Promise<FollowAnswer | StartEnd | UnwritableAnswer> {
    if (starter === undefined) return following;
    const startOutcome = starter.answer.then<FollowAnswer | StartEnd | UnwritableAnswer, FollowAnswer>(
      (answer) => (answer.kind === 'outcome' || answer.kind === 'unwritable' ? answer : following),
      () => following,
    );
    try {
      return await Promise.race([following, startOutcome]);
    } catch (error) {
      // The server allows one session at a time: there is no streaming, but the start script tells the outcome.
      if (!(error instanceof SessionRefused)) throw error;
      const answer = await starter.answer;
      if (answer.kind === 'outcome' || answer.kind === 'unwritable') return answer;
      throw error;
    }
  }

  private start(): Starter {
    const { shell, output } = this;
    let decide: (answer: StartAnswer) => void = () => undefined;
    const decided = new Promise<StartAnswer>((resolve) => {
      decide = resolve;
    });
    let outcome: AttemptOutcome | undefined;
    const reader = this.outputReader(() => undefined);
    const session = this.admit(() => shell.starter());
    const spec = this.previousEnded ? { ...this.spec, previousKey: undefined } : this.spec;
    const command = attemptCommand(spec, output, shell.shell, {
      ...this.folders,
      others: this.options.folders === undefined ? [] : this.folders.others,
    });
    session.send(session.prepared ? command : startPreparation(shell.otherFolders)(session.nonce) + command, {
      control: (line) => {
        const [word = '', ...words] = line.split(' ');
        reader.control(word, words);
        this.noteOfOutput(word, words);
        switch (word) {
          case 'taken':
          case 'previous':
          case 'leader':
            decide({ kind: word });
            break;
          case 'unwritable': {
            const [mine, ...why] = words;
            decide({ kind: word, mine: mine === 'mine', why: plainText(why.join(' ')) });
            break;
          }
          case 'nostart': {
            const reason = plainText(words.join(' '));
            decide({ kind: 'outcome', outcome: { kind: 'not_started', reason }, next: false });
            break;
          }
          case 'end':
            outcome ??= this.finish(words);
            break;
          case 'next':
          case '.':
            // The outcome has come before all of the output: a follow script gets the rest.
            if (outcome === undefined || !output.isComplete) decide({ kind: 'taken' });
            else decide({ kind: 'outcome', outcome, next: word === 'next' });
        }
      },
      data: reader.data,
    });
    session.prepared = true;
    const ended = session.ended.then(
      (end): StartAnswer => {
        if (outcome !== undefined) return { kind: 'taken' };
        return { kind: 'silent', end };
      },
      (error): StartAnswer => {
        if (!(error instanceof LoginStuck)) throw error;
        return { kind: 'outcome', outcome: { kind: 'not_started', reason: error.message }, next: false };
      },
    );
    const answer = Promise.race([decided, ended]);
    answer.catch(() => undefined);
    return { answer, session };
  }

  private follow(onClaimed: () => void): { answer: Promise<FollowAnswer>; session: ShellSession } {
    const { output } = this;
    let decide: (answer: FollowAnswer) => void = () => undefined;
    const decided = new Promise<FollowAnswer>((resolve) => {
      decide = resolve;
    });
    let found = false;
    let outcome: AttemptOutcome | undefined;
    const reader = this.outputReader(() => {
      if (outcome !== undefined && output.isComplete) decide({ kind: 'outcome', outcome });
    });
    const script = followScript(this.spec.key, output, output.neededFrom, this.folders);
    const handlers: FrameHandlers = {
      control: (line) => {
        const [word = '', ...words] = line.split(' ');
        this.noteOfOutput(word, words);
        if (word === 'found') {
          found = true;
          if (words[0] !== undefined) this.foundIn = plainText(words[0]);
        } else if (word === 'claimed') onClaimed();
        else if (word === 'absent') decide({ kind: word, bootId: words[0] ?? '' });
        else if (word === 'stopping') decide({ kind: word });
        else if (word === 'end') outcome ??= this.finish(words);
        reader.control(word, words);
      },
      data: reader.data,
    };
    const session = this.admit(() => this.shell.run(script, handlers));
    const ended = session.ended.then((end): FollowAnswer => {
      // A file that became shorter, because another process rewrote it, has fewer bytes than announced.
      if (outcome !== undefined) return { kind: 'outcome', outcome };
      return { kind: 'silent', found, end };
    });
    const answer = Promise.race([decided, ended]);
    answer.catch(() => undefined);
    return { answer, session };
  }

  /** Feeds ranges of the output file to the output. Calls `onProgress` whenever the output may be complete. */
  private outputReader(onProgress: () => void) {
    let at: number | undefined;
    return {
      control: (word: string, words: string[]) => {
        at = word === 'out' ? byteCount(words[0], `out ${words.join(' ')}`) : undefined;
        onProgress();
      },
      data: (chunk: Buffer) => {
        if (at === undefined) return;
        this.output.range(at, chunk);
        at += chunk.length;
        onProgress();
      },
    };
  }

  private finish(words: string[]): AttemptOutcome {
    const record = readEndRecord(words);
    this.output.finish(record.outputBytes, this.outputLost);
    return outcomeFrom(record, this.spec, { cut: this.output.isCut, lost: this.outputLost }, this.folder);
  }

  /** Notes the node's control lines about the output. */
  private noteOfOutput(word: string, words: string[]): void {
    if (word === 'full') this.outputLost = true;
    if (word !== 'limit') return;
    const said = `limit ${words.join(' ')}`;
    const [headBytes, tailBytes] = [byteCount(words[0], said), byteCount(words[1], said)];
    if (headBytes === 0 || headBytes + tailBytes > LARGEST_OUTPUT_LIMIT_BYTES) throw new WrongAnswer(said);
    this.output.settle({ headBytes, tailBytes });
  }

  /** Opens a session, which is closed when this call ends. */
  private admit(open: () => ShellSession): ShellSession {
    if (this.detached) throw new ConnectionLost('not followed any more');
    const session = open();
    this.sessions.add(session);
    const forget = () => {
      this.sessions.delete(session);
    };
    session.ended.then(forget, forget);
    return session;
  }

  private end(session: ShellSession): void {
    session.close();
    this.sessions.delete(session);
  }

  private get stopOptions(): StopOptions {
    const { stopGraceMs } = this.options;
    return { folders: this.folders.others, ...(stopGraceMs === undefined ? {} : { graceMs: stopGraceMs }) };
  }

  private countRequest(what: string): void {
    this.requests++;
    if (this.requests > MOST_REQUESTS) throw new WrongAnswer(`${what}, for the ${this.requests}th time`);
  }

  /** @throws StillAlive naming the attempt */
  private async stopPrevious(): Promise<void> {
    if (this.spec.previousKey === undefined || this.previousEnded)
      throw new WrongAnswer('previous, though there is none');
    for (const key of [this.spec.previousKey, ...(this.spec.earlierKeys ?? [])]) {
      const found = await stopAttempt(this.connection, key, this.stopOptions);
      // This attempt ran, so those before it had ended.
      if (found !== 'never_started') break;
    }
    this.previousEnded = true;
  }

  /** The folder of its files, as far as this call knows. */
  private get folder(): string {
    return this.foundIn ?? this.folders.place?.folder ?? HOME_FOLDER;
  }

  private vanished(bootId?: string): AttemptOutcome {
    const { place } = this.folders;
    const journal = `${this.folder}/${this.spec.key}.journal`;
    if (place === undefined)
      return {
        kind: 'unknown',
        reason: `the journal ${journal} was removed from the node while it was needed`,
      };
    const what = isInMemory(place.folder) ? "in the node's memory" : "outside of the node's home folder";
    const why =
      bootId === undefined || bootId === place.bootId
        ? 'it was removed, or nothing of it had begun'
        : 'the node was restarted since, or nothing of it had begun before';
    const reason = `it was to be begun ${what}, and the journal ${journal} is not there: ${why}`;
    return { kind: 'unknown', reason };
  }

  /** No script answered, although the server opened a session: there is no usable shell. */
  private noShell(end: ShellEnd, mayHaveBegun: boolean): AttemptOutcome {
    const setsid = this.shell.needsOwnSession ? ' through setsid' : '';
    const reason = `${this.shell.shell} could not be run${setsid} on the node (${describeEnd(end)})`;
    return mayHaveBegun ? this.cannotTell(reason) : this.asFarAsKnown({ kind: 'not_started', reason });
  }

  /** `not_started` is certain only if no earlier call may have begun the attempt. */
  private asFarAsKnown(outcome: AttemptOutcome): AttemptOutcome {
    const { mayHaveStarted = false } = this.options;
    return outcome.kind === 'not_started' && mayHaveStarted ? this.cannotTell(outcome.reason) : outcome;
  }

  private cannotTell(reason: string): AttemptOutcome {
    return { kind: 'unknown', reason: `${reason}; whether the command ran cannot be found out` };
  }

  /** The promise's value, or undefined if it takes longer. */
  private async within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ms);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function checkWholeNumber(value: number, least: number, field: string): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new TypeError(`${field}: ${value} is not a whole number of at least ${least}`);
}

/** Whether a start script that said nothing may have begun the attempt; see start.sh. */
function mayHaveBegun(end: ShellEnd): boolean {
  if (end.unsent) return false;
  // A shell around the script reports a signal as a status above 128.
  return end.status === undefined || end.status === STATUS_BEGUN || end.status > 128;
}

function describeEnd(end: ShellEnd): string {
  const how = end.signal === undefined ? `exit status ${end.status}` : `ended by ${end.signal}`;
  return end.said === '' ? how : `${how}: ${end.said}`;
}
