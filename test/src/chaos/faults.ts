import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stack } from '@rigel/local';
import type { FleetProxy } from '../support/fleet-proxy.js';
import { freeze } from '../support/freeze.js';
import type { Random } from '../support/random.js';

const INTERVAL_MS = 2_000;
const FREEZE_MS = 15_000;

/** One thing that was done to the system. */
export interface Fault {
  /** Milliseconds since 1970. */
  at: number;
  kind: 'kill' | 'freeze' | 'thaw' | 'cut' | 'forget';
  what: string;
}

/**
 * Does something bad every 2 s, decided by the seed: kills a process, freezes one for 15 s, or breaks the connections of
 * some nodes.
 */
export class Faults {
  readonly log: Fault[] = [];
  private readonly stopping = new AbortController();
  private readonly thawing = new Map<string, { goOn: () => void; timer: NodeJS.Timeout }>();
  private readonly loop: Promise<void>;

  constructor(
    private readonly options: {
      stack: Stack;
      proxy: FleetProxy;
      /** Hosts of the nodes. */
      hosts: readonly string[];
      random: Random;
      /** NATS's folder, to be deleted once while NATS is down. */
      forget?: string | undefined;
    },
  ) {
    this.loop = this.run();
  }

  /** Ends the faults; whoever is frozen goes on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
    for (const name of [...this.thawing.keys()]) this.thaw(name);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let { forget } = this.options;
    for (let count = 1; !signal.aborted; count++) {
      await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (forget !== undefined && count >= 3 && (await this.forgetNats(forget))) forget = undefined;
      else await this.one();
    }
  }

  private async one(): Promise<void> {
    const { stack, random, hosts } = this.options;
    // Drawn in any case, so that what happened before does not shift what comes after.
    const [choice, victim, share, first] = [random.next(), random.next(), random.next(), random.next()];
    if (choice < 0.25) {
      const count = Math.max(1, Math.floor(share * 0.4 * hosts.length));
      const start = Math.floor(first * hosts.length);
      const cut = new Set([...hosts, ...hosts].slice(start, start + count));
      this.note('cut', `${this.options.proxy.cut(cut)} connections of ${count} nodes`);
      return;
    }
    const names = stack.processes.map(({ name }) => name);
    const name = names[Math.floor(victim * names.length)] ?? '';
    if (choice < 0.45) await this.freeze(name);
    else this.kill(name);
  }

  private kill(name: string): boolean {
    try {
      this.options.stack.kill(name, 'SIGKILL');
      this.note('kill', name);
      return true;
    } catch {
      // It does not run: it was killed a moment ago, and is not started again yet.
      this.note('kill', `${name}, which is down already`);
      return false;
    }
  }

  private async freeze(name: string): Promise<void> {
    const pid = this.options.stack.processes.find((process) => process.name === name)?.pid;
    if (pid === undefined || this.thawing.has(name)) {
      this.note('freeze', `${name}, which ${pid === undefined ? 'is down' : 'is frozen'} already`);
      return;
    }
    const goOn = await freeze(pid);
    this.thawing.set(name, { goOn, timer: setTimeout(() => this.thaw(name), FREEZE_MS) });
    this.note('freeze', name);
  }

  private thaw(name: string): void {
    const frozen = this.thawing.get(name);
    if (!frozen) return;
    this.thawing.delete(name);
    clearTimeout(frozen.timer);
    frozen.goOn();
    this.note('thaw', name);
  }

  /** False when NATS is down just now. */
  private async forgetNats(folder: string): Promise<boolean> {
    if (!this.kill('nats')) return false;
    await rm(folder, { recursive: true, force: true, maxRetries: 20 });
    this.note('forget', 'nats: its folder is deleted');
    return true;
  }

  private note(kind: Fault['kind'], what: string): void {
    this.log.push({ at: Date.now(), kind, what });
  }
}
