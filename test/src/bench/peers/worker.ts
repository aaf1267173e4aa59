import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 5_000;

/** A process of a compared system that works on command, told over an IPC channel. */
export class PeerWorker {
  private errors = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly name: string,
  ) {
    child.stderr?.on('data', (data: Buffer) => {
      this.errors = `${this.errors}${data}`.slice(-2_000);
    });
  }

  /** Starts `<folder>/<script>`. @returns when it says that it is ready. */
  static async start(folder: string, script: string, env: Record<string, string>): Promise<PeerWorker> {
    const child = fork(join(folder, script), {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const worker = new PeerWorker(child, script);
    try {
      await worker.answer(START_TIMEOUT_MS);
    } catch (error) {
      await worker.stop();
      throw error;
    }
    return worker;
  }

  get pid(): number {
    return this.child.pid as number; // it has answered
  }

  /** Has it do so many runs, so many at once. @returns when all have ended. */
  async run(count: number, atOnce: number, timeoutMs: number): Promise<void> {
    this.child.send({ count, atOnce });
    const { error } = await this.answer(timeoutMs);
    if (error) throw new Error(`${this.name}: ${error}`);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await Promise.race([ended, sleep(END_TIMEOUT_MS, undefined, { ref: false })]);
    this.child.kill('SIGKILL');
    await ended;
  }

  private async answer(timeoutMs: number): Promise<{ error?: string }> {
    const done = new AbortController();
    try {
      const [message] = await Promise.race([
        once(this.child, 'message', { signal: done.signal }),
        once(this.child, 'exit', { signal: done.signal }).then(() => {
          throw new Error(`${this.name} has ended: ${this.errors.trim()}`);
        }),
        sleep(timeoutMs, undefined, { signal: done.signal }).then(() => {
          throw new Error(`${this.name} has not answered for ${timeoutMs / 1000} s: ${this.errors.trim()}`);
        }),
      ]);
      return message;
    } finally {
      done.abort();
    }
  }
}
