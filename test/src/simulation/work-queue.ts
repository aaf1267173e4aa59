import type { Capability, WorkOffer } from '@rigel/contracts';
import type { TakeOptions } from '@rigel/messaging';
import type { Random } from '../support/random.js';
import type { Host } from './host.js';
import type { Network } from './network.js';
import type { Timeline } from './timeline.js';

interface Queued {
  offer: WorkOffer;
  capability: Capability;
  /** Somebody has it until then. */
  takenUntil: number;
}

interface Consumer {
  host: Host;
  capability: Capability;
  options: TakeOptions;
}

/** As in the real queue: not acknowledged in this time, an offer goes to somebody else. */
const ACK_WAIT_MS = 30_000;
const FETCH_MS = 2_000;
/** Whoever waits for offers has one so long after it is there. */
const DELIVERY_MS = [5, 65] as const;

/**
 * The queue of offered runs (JetStream and the direct offers beside it), as its users see it: what is put in may get
 * lost with the server's store, and may come out more than once.
 */
export class SimulatedWorkQueue {
  private queued: Queued[] = [];
  private readonly consumers = new Set<Consumer>();
  /** Those who wait for offers: lets them look again. */
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly timeline: Timeline,
    private readonly network: Network,
    private readonly random: Random,
  ) {}

  /** The server's store is gone. */
  wipe(): void {
    this.queued = [];
  }

  /** How the process offers runs, and takes them. */
  connect(host: Host) {
    return {
      offer: (capability: Capability, offers: WorkOffer[], { repeated }: { repeated: boolean }) =>
        this.offer(host, capability, offers, repeated),
      consume: (capability: Capability, options: TakeOptions) => this.consume(host, capability, options),
    };
  }

  private unreachable(host: Host): boolean {
    return Math.max(this.network.downUntil, host.offlineUntil) > this.timeline.now;
  }

  private async offer(
    host: Host,
    capability: Capability,
    offers: WorkOffer[],
    repeated: boolean,
  ): Promise<void> {
    if (repeated) this.offerDirectly(host, capability, offers);
    await host.ask({ there: this.random.integer(0, 3), back: this.random.integer(0, 3) }, () => {
      if (this.unreachable(host)) throw new Error('the work queue does not answer');
      for (const offer of offers) {
        if (this.random.chance(this.network.lossy)) continue;
        this.queued.push({ offer, capability, takenUntil: 0 });
      }
      for (const look of [...this.waiting]) look();
    });
  }

  private offerDirectly(host: Host, capability: Capability, offers: readonly WorkOffer[]): void {
    if (!host.mayAct() || this.unreachable(host)) return;
    for (const offer of offers) {
      const listening = [...this.consumers].filter(
        (c) => c.capability === capability && !this.unreachable(c.host),
      );
      if (listening.length === 0 || this.random.chance(this.network.lossy)) continue;
      const { host: receiver, options } = this.random.pick(listening);
      this.timeline.schedule(this.random.integer(0, 5), receiver, () => {
        if (options.freeSlots() > 0) options.handler(offer).catch(() => undefined);
      });
    }
  }

  private async consume(host: Host, capability: Capability, options: TakeOptions): Promise<void> {
    const consumer: Consumer = { host, capability, options };
    this.consumers.add(consumer);
    options.signal.addEventListener('abort', () => this.consumers.delete(consumer), { once: true });
    while (!options.signal.aborted) {
      const free = options.freeSlots();
      if (free <= 0) {
        await options.slotFreed();
        continue;
      }
      for (const queued of await this.fetch(host, capability, free))
        void this.take(host, queued, options.handler);
    }
  }

  forget(host: Host): void {
    for (const consumer of this.consumers) if (consumer.host === host) this.consumers.delete(consumer);
  }

  /** Waits for offers, a while at most. */
  private fetch(host: Host, capability: Capability, most: number): Promise<Queued[]> {
    const until = this.timeline.now + FETCH_MS;
    return new Promise((resolve) => {
      if (!host.mayAct()) return;
      const look = (): void => {
        const { now } = this.timeline;
        const due = this.queued.filter((q) => q.capability === capability && q.takenUntil <= now);
        const taken = host.dead || this.unreachable(host) ? [] : due.slice(0, most);
        if (taken.length === 0 && now < until && !host.dead) {
          this.lookLater(Math.min(until, this.nextDue(host, capability)), look);
          return;
        }
        for (const queued of taken) queued.takenUntil = now + ACK_WAIT_MS;
        this.timeline.schedule(this.random.integer(0, 3), host, () => resolve(taken));
      };
      look();
    });
  }

  /** When there may be something for a process that is there already, or was taken by others. */
  private nextDue(host: Host, capability: Capability): number {
    const { now } = this.timeline;
    const reachable = Math.max(this.network.downUntil, host.offlineUntil);
    if (reachable > now) return reachable;
    const taken = this.queued.filter((q) => q.capability === capability && q.takenUntil > now);
    return Math.min(...taken.map(({ takenUntil }) => takenUntil));
  }

  /** Has somebody look again at a moment, or soon after something was put in. */
  private lookLater(moment: number, look: () => void): void {
    const callOff = this.timeline.schedule(moment - this.timeline.now, undefined, () => {
      this.waiting.delete(soon);
      look();
    });
    const soon = (): void => {
      this.waiting.delete(soon);
      callOff();
      this.timeline.schedule(this.random.integer(...DELIVERY_MS), undefined, look);
    };
    this.waiting.add(soon);
  }

  private async take(
    host: Host,
    queued: Queued,
    handler: (offer: WorkOffer) => Promise<void>,
  ): Promise<void> {
    await handler(queued.offer).catch(() => undefined);
    if (!host.mayAct() || this.unreachable(host) || this.random.chance(this.network.lossy)) return;
    this.timeline.schedule(this.random.integer(0, 3), undefined, () => {
      this.queued = this.queued.filter((other) => other !== queued);
    });
  }
}
