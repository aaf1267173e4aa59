import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, type ProcessExit } from '@rigel/local-servers';
import { Backoff, type BackoffOptions, DEFAULT_BACKOFF } from './backoff.js';
import { type LaunchedProcess, launch, stopSignalOf } from './launch.js';
import { processStart } from './process-identity.js';
import type { ProcessSpec } from './process-spec.js';
import type { RunFolder } from './run-folder.js';
import type { SupervisorLog } from './supervisor-log.js';

export type { BackoffOptions } from './backoff.js';

/** Time that a process has to end after SIGTERM, before it is killed. */
export const STOP_DEADLINE_MS = 10_000;

/** What a supervisor is made with. */
export interface SupervisorOptions {
  /** Existing folder for the processes' logs, `<name>.log`. */
  logDir: string;
  /** Keeps the pid files. */
  runFolder: RunFolder;
  log: SupervisorLog;
  /** Default: 0.5 s, doubled up to 30 s, first again after 60 s of life. */
  backoff?: BackoffOptions;
  /** Time that a process has to end before it is killed, in milliseconds. Default: 10 s. */
  stopDeadlineMs?: number;
}

/** One supervised process, as it is now. */
export interface ProcessStatus {
  name: string;
  /** Undefined while it does not run. */
  pid: number | undefined;
  /** How often it was started again. */
  restarts: number;
  /** How it ended last. */
  lastExit: ProcessExit | undefined;
  /** The error in its configuration, if that ended its first start; it is not started again. */
  configError: string | undefined;
  /** Why it could not be started the last time, when it could not. */
  lastError: string | undefined;
  logFile: string;
  /** Where the log entries of this supervisor's time begin, in bytes. */
  logStart: number;
}

interface Supervised {
  spec: ProcessSpec;
  status: ProcessStatus;
  process: LaunchedProcess | undefined;
  /** Settles when the process is no longer kept running; never rejects. */
  finished: Promise<void>;
}

/**
 * Keeps processes running: a process that ends is started again, after a wait that grows. Stops them in order.
 *
 * It changes nothing outside of its processes and folders: it handles no signal of this process and never ends it.
 */
export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly supervised: Supervised[] = [];
  private readonly stopping = new AbortController();
  private stopped: Promise<void> | undefined;
  private reportMisconfigured: (problem: string) => void = () => undefined;
  /**
   * Resolves when the first start of a process ended because its configuration is wrong, with the error in one line. A process whose
   * configuration was right once is started again and again: somebody may be changing a file.
   */
  readonly misconfigured = new Promise<string>((resolve) => {
    this.reportMisconfigured = resolve;
  });

  constructor(options: SupervisorOptions) {
    this.options = options;
  }

  /** The processes in the order in which they were given. */
  get processes(): ProcessStatus[] {
    return this.supervised.map(({ status }) => ({ ...status }));
  }

  /**
   * Starts processes and keeps them running from then on. Can be called again with more.
   *
   * @returns when each is started (a server: is ready)
   * @throws Error when one cannot be started at all; the others stay until stop()
   */
  async start(specs: ProcessSpec[]): Promise<void> {
    const started = specs.map((spec) => {
      if (this.supervised.some((other) => other.spec.name === spec.name)) {
        throw new Error(`there is already a process named ${spec.name}`);
      }
      const logFile = join(this.options.logDir, `${spec.name}.log`);
      const logStart = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
      const supervised: Supervised = {
        spec,
        status: {
          name: spec.name,
          pid: undefined,
          restarts: 0,
          lastExit: undefined,
          configError: undefined,
          lastError: undefined,
          logFile,
          logStart,
        },
        process: undefined,
        finished: Promise.resolve(),
      };
      this.supervised.push(supervised);
      const first = this.launch(supervised);
      supervised.finished = first.then(
        (process) => this.keepRunning(supervised, process),
        () => undefined, // the caller gets the error, below
      );
      return first;
    });
    await Promise.all(started);
  }

  /**
   * Sends a signal to a process.
   *
   * @throws Error when there is no such process, or it does not run
   */
  kill(name: string, signal: NodeJS.Signals): void {
    const supervised = this.supervised.find(({ spec }) => spec.name === name);
    if (supervised === undefined) throw new Error(`there is no process named ${name}`);
    if (supervised.status.pid === undefined) throw new Error(`${name} does not run`);
    process.kill(supervised.status.pid, signal);
  }

  /**
   * Stops everything in the order of the stages, and kills processes that do not end in time.
   *
   * @returns when no process is left
   */
  stop(): Promise<void> {
    this.stopped ??= this.stopStages();
    return this.stopped;
  }

  /** Kills everything at once, also while stop() waits for it; call stop() afterwards, which tidies up. */
  killAll(): void {
    this.stopping.abort(new Error('the supervisor is stopping'));
    for (const { spec, process: running } of this.supervised) {
      if (running === undefined) continue;
      const { pid } = running;
      this.options.log.info({ process: spec.name, pid }, `killing ${spec.name} (pid ${pid})`);
      try {
        process.kill(-pid, 'SIGKILL');
      } catch (error) {
        // It ended in this very moment.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }

  private async stopStages(): Promise<void> {
    const { log, stopDeadlineMs = STOP_DEADLINE_MS } = this.options;
    this.stopping.abort(new Error('the supervisor is stopping'));
    const errors: Error[] = [];
    const stages = [...new Set(this.supervised.map(({ spec }) => spec.stopStage))].sort((a, b) => a - b);
    for (const stage of stages) {
      const members = this.supervised.filter(({ spec }) => spec.stopStage === stage);
      const results = await Promise.allSettled(
        members.map(async (supervised) => {
          if (supervised.process !== undefined) {
            const { name } = supervised.spec;
            log.info({ process: name, pid: supervised.process.pid }, `stopping ${name}`);
            await supervised.process.stop(stopDeadlineMs);
          }
          // A process that was just being started ends itself there, since we are stopping.
          await supervised.finished;
        }),
      );
      // One that cannot be ended must not keep the others running.
      errors.push(
        ...results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : [])),
      );
    }
    if (errors.length > 0)
      throw new Error(errors.map(({ message }) => message).join('; '), { cause: errors[0] });
    log.info({}, 'every process is stopped');
  }

  private async launch(supervised: Supervised, restarts = 0): Promise<LaunchedProcess> {
    const { spec, status } = supervised;
    const { runFolder, log, stopDeadlineMs = STOP_DEADLINE_MS } = this.options;
    const { signal } = this.stopping;
    signal.throwIfAborted();
    const launched = await launch(spec, { logFile: status.logFile, log, signal });
    if (signal.aborted) {
      await launched.stop(stopDeadlineMs);
      signal.throwIfAborted();
    }
    supervised.process = launched;
    const started = await processStart(launched.pid);
    // Undefined: it has ended already.
    if (started !== undefined) {
      const { name, stopStage } = spec;
      const record = { name, pid: launched.pid, started, stopStage, stopSignal: stopSignalOf(spec) };
      this.record(name, () => runFolder.add(record));
    }
    status.pid = launched.pid;
    status.restarts = restarts;
    status.lastError = undefined;
    log.info({ process: spec.name, pid: launched.pid }, `${spec.name} started (pid ${launched.pid})`);
    return launched;
  }

  private async keepRunning(supervised: Supervised, first: LaunchedProcess): Promise<void> {
    const { spec, status } = supervised;
    const { runFolder, log } = this.options;
    const { signal } = this.stopping;
    const backoff = new Backoff(this.options.backoff ?? DEFAULT_BACKOFF);
    let launched: LaunchedProcess | undefined = first;
    for (;;) {
      let livedMs = 0;
      let ended: string;
      if (launched !== undefined) {
        const since = Date.now();
        const exit = await launched.exited;
        livedMs = Date.now() - since;
        status.lastExit = exit;
        ended = `${spec.name} (pid ${launched.pid}) ended with ${describeExit(exit)}`;
        supervised.process = undefined;
        status.pid = undefined;
        this.record(spec.name, () => runFolder.remove(spec.name));
      } else {
        ended = `${spec.name} could not be started again: ${status.lastError}`;
      }
      if (signal.aborted) return;
      if (launched === first && (await launched.configError) !== undefined) {
        status.configError = await launched.configError;
        // No notice: the caller that waits for the start gets the error.
        log.info({ process: spec.name }, `${ended}: ${status.configError}; it is not started again`);
        this.reportMisconfigured(status.configError ?? '');
        return;
      }
      const waitMs = backoff.next(livedMs);
      log.warn(
        {
          process: spec.name,
          pid: launched?.pid,
          ...(launched === undefined ? {} : status.lastExit),
          waitMs,
        },
        `${ended}; starting it again in ${waitMs / 1000} s`,
      );
      try {
        await delay(waitMs, undefined, { signal });
        launched = await this.launch(supervised, status.restarts + 1);
      } catch (error) {
        if (signal.aborted) return;
        launched = undefined;
        status.lastError = (error as Error).message;
      }
    }
  }

  // A full disk must neither end the supervision of a process nor keep the others from being stopped.
  private record(name: string, write: () => void): void {
    try {
      write();
    } catch (error) {
      const { message } = error as Error;
      this.options.log.error(
        { err: error, process: name },
        `the pid file of ${name} cannot be written: ${message}`,
      );
    }
  }
}
