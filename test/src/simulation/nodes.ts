import type { NodeAccess } from '@rigel/executor';
import {
  type AttemptOutcome,
  type AttemptSpec,
  ConnectFailure,
  ConnectionLost,
  DEFAULT_GRACE_MS,
  type NodeConnection,
  type RunOptions,
  StillAlive,
  type StopResult,
} from '@rigel/remote-attempt';
import type { Random } from '../support/random.js';
import type { Host } from './host.js';
import type { Timeline } from './timeline.js';

/** Which attempt a key names. */
export interface AttemptId {
  run: number;
  step: number;
  attempt: number;
}

/** What a command does when it is let run. */
export interface Behaviour {
  durationMs: number;
  exitCode: number;
  output: string;
  /** How long it withstands being ended after KILL was due; 0: it does not, infinite: until somebody ends it by hand. */
  withstandsMs: number;
  /** What it starts to clean up when it gets TERM takes so long; 0: it starts nothing. */
  cleanUpMs: number;
  /** When it restarts its node, if that is what it is for; undefined: it has no such effect. */
  restartAfterMs: number | undefined;
  downMs: number;
}

/** What a command started when it got TERM. */
interface CleanUp {
  since: number;
  state: 'running' | 'done' | 'cut';
  /** It got TERM itself, or KILL before its time was up. */
  disturbed: boolean;
}

/** An attempt as its node knows it. */
export interface Attempt extends AttemptId {
  key: string;
  node: SimulatedNode;
  behaviour: Behaviour;
  /** `void`: stopped before it was begun, and never will be. */
  state: 'void' | 'running' | 'exited' | 'stopped' | 'lost';
  startedAt: number;
  /** Boot id of its node, when its trace is in the node's memory. */
  inMemory: string | undefined;
  /** The command is to restart the node, which counts its boots. */
  restartsNode: boolean;
  boot: number;
  /** Output so far. */
  output: Buffer;
  followers: Set<() => void>;
  callOff: () => void;
  /** Since when it is being ended, and how long it had for cleaning up. */
  stop: { since: number; graceMs: number } | undefined;
  cleanUp: CleanUp | undefined;
}

export interface NodeWatch {
  /** A command is about to begin. */
  onStart(attempt: Attempt): void;
  /** What a command started to clean up was not let do so. */
  onDisturbed(attempt: Attempt): void;
}

const CONNECT_TIMEOUT_MS = 15_000;
const MEMORY = '/dev/shm/rigel-root';
/** A stop gives up so long after KILL. */
const GIVE_UP_MS = 5_000;

export function parseKey(key: string): AttemptId {
  const match = /-r(\d+)-s(\d+)-a(\d+)$/.exec(key);
  if (!match) throw new Error(`${key} is not the name of an attempt`);
  return { run: Number(match[1]), step: Number(match[2]), attempt: Number(match[3]) };
}

/**
 * A server that commands are run on. It keeps the promises of the package remote-attempt (tested there on real ones):
 * the first start of a key runs it, every other finds it; a stop ends it, or keeps it from ever beginning.
 */
export class SimulatedNode {
  readonly attempts = new Map<string, Attempt>();
  /** Attempts of which the node has no trace any more: they were in its memory. */
  readonly forgotten: Attempt[] = [];
  /** The disk is full: attempts can be begun in memory only. */
  full = false;
  private readonly connections = new Set<SimulatedConnection>();
  /** It does not answer until then. */
  downUntil = 0;
  boots = 1;
  /** It was restarted, or lost connections or attempts, in a way that can change what becomes of a run. */
  troubled = false;

  constructor(
    readonly ip: string,
    readonly timeline: Timeline,
    readonly random: Random,
    private readonly behaviourOf: (id: AttemptId) => Behaviour,
    private readonly watch: NodeWatch,
  ) {}

  get running(): Attempt[] {
    return [...this.attempts.values()].filter(({ state }) => state === 'running');
  }

  get bootId(): string {
    return `${this.boots}`;
  }

  get reachable(): boolean {
    return this.downUntil <= this.timeline.now;
  }

  add(connection: SimulatedConnection): void {
    this.connections.add(connection);
  }

  /** All its SSH connections break. What runs goes on. */
  cutConnections(): void {
    for (const connection of this.connections) connection.lose('the connection was reset');
    this.connections.clear();
  }

  /** Nobody can reach it for a while. */
  isolate(ms: number): void {
    this.troubled = true;
    this.downUntil = this.timeline.now + ms;
    this.cutConnections();
  }

  reboot(ms: number): void {
    this.isolate(ms);
    this.boots++;
    for (const attempt of this.running) this.end(attempt, 'lost');
    this.emptyMemory();
  }

  /** Nothing is known any more of what has ended and was in memory only. */
  emptyMemory(): void {
    for (const [key, attempt] of this.attempts) {
      if (attempt.inMemory === undefined || attempt.state === 'running') continue;
      this.attempts.delete(key);
      this.forgotten.push(attempt);
    }
  }

  /**
   * Runs an attempt, or finds it, in the home folder or else where it is.
   * @param memory boot id, for an attempt that was recorded to begin in memory.
   * @returns `full`: it is not there, and cannot begin at home; `restarted`: not in this memory.
   * @throws StillAlive naming an earlier one that cannot be ended (yet)
   */
  start(spec: AttemptSpec, graceMs: number, memory?: string): Attempt | 'full' | 'restarted' {
    const known = this.attempts.get(spec.key);
    if (known) return known;
    for (const key of spec.previousKey === undefined ? [] : [spec.previousKey, ...(spec.earlierKeys ?? [])]) {
      this.stop(key, graceMs);
      const earlier = this.attempts.get(key);
      if (earlier?.state === 'running') throw this.stillAlive(earlier);
      // It ran, so those before it had ended.
      if (earlier?.state !== 'void') break;
    }
    if (memory === undefined ? this.full : memory !== this.bootId)
      return memory === undefined ? 'full' : 'restarted';
    const attempt = this.create(spec.key, 'running', { inMemory: memory, restartsNode: spec.restartsNode });
    this.watch.onStart(attempt);
    const { durationMs, output } = attempt.behaviour;
    const bytes = Buffer.from(output);
    const half = Math.floor(bytes.length / 2);
    const callOffHalf = this.timeline.schedule(durationMs / 2, undefined, () => {
      attempt.output = bytes.subarray(0, half);
      for (const wake of attempt.followers) wake();
    });
    const callOffEnd = this.timeline.schedule(durationMs, undefined, () => {
      attempt.output = bytes;
      this.end(attempt, attempt.stop ? 'stopped' : 'exited');
    });
    const callOffRestart = this.restartBy(attempt);
    attempt.callOff = () => {
      callOffHalf();
      callOffEnd();
      // What has ended may have left a restart to come; what was ended before its time has not.
      if (this.timeline.now < attempt.startedAt + durationMs) callOffRestart();
    };
    return attempt;
  }

  /**
   * Begins to end an attempt: one that neither withstands that nor cleans up is gone at once. The first stop decides how long
   * it has; what it starts to clean up is left alone until then.
   */
  stop(key: string, graceMs: number): StopResult {
    const attempt = this.attempts.get(key);
    if (!attempt) {
      this.create(key, 'void');
      return 'never_started';
    }
    if (attempt.state === 'void') return 'never_started';
    if (attempt.state === 'exited') return 'already_exited';
    if (attempt.state !== 'running') return 'stopped';
    if (attempt.stop) {
      this.stopOnceMore(attempt);
      return 'stopped';
    }
    const { withstandsMs, cleanUpMs } = attempt.behaviour;
    attempt.stop = { since: this.timeline.now, graceMs };
    if (withstandsMs === 0 && cleanUpMs === 0) {
      this.end(attempt, 'stopped');
      return 'stopped';
    }
    if (cleanUpMs > 0) attempt.cleanUp = { since: this.timeline.now, state: 'running', disturbed: false };
    attempt.callOff();
    const lasts = Math.min(cleanUpMs || graceMs, graceMs) + withstandsMs;
    attempt.callOff = () => undefined;
    if (cleanUpMs > graceMs || Number.isFinite(lasts)) this.scheduleEnd(attempt, lasts, cleanUpMs, graceMs);
    return 'stopped';
  }

  private scheduleEnd(attempt: Attempt, lasts: number, cleanUpMs: number, graceMs: number): void {
    const callOffKill = this.timeline.schedule(Math.min(cleanUpMs, graceMs), undefined, () => {
      const { cleanUp } = attempt;
      if (cleanUp?.state !== 'running') return;
      cleanUp.state = cleanUpMs > graceMs ? 'cut' : 'done';
      // All that a step is given for it is enough for those here.
      if (cleanUp.state === 'cut') this.watch.onDisturbed(attempt);
    });
    const callOffEnd = Number.isFinite(lasts)
      ? this.timeline.schedule(lasts, undefined, () => this.end(attempt, 'stopped'))
      : () => undefined;
    attempt.callOff = () => {
      callOffKill();
      callOffEnd();
    };
  }

  /** Another stopper finds what the first one found; it sends TERM to nothing that began later. */
  private stopOnceMore(attempt: Attempt): void {
    const begunAt = attempt.cleanUp?.since ?? 0;
    const disturbs = begunAt < (attempt.stop?.since ?? 0);
    if (disturbs && attempt.cleanUp?.state === 'running') this.watch.onDisturbed(attempt);
  }

  stillAlive({ key, node }: Attempt): StillAlive {
    return new StillAlive(key, node.ip, { count: 1, named: [{ pid: 4711, user: 'root', name: 'sh' }] });
  }

  /** A person logs in and ends what is left of an attempt. */
  endByHand(attempt: Attempt): void {
    if (attempt.state === 'running') this.end(attempt, 'stopped');
  }

  private restartBy({ behaviour, restartsNode }: Attempt): () => void {
    const { restartAfterMs, downMs, exitCode } = behaviour;
    if (!restartsNode || restartAfterMs === undefined || exitCode !== 0) return () => undefined;
    return this.timeline.schedule(restartAfterMs, undefined, () => this.reboot(downMs));
  }

  /** What is stopped before it begins leaves an empty file in the home folder, for which a full disk has room. */
  private create(
    key: string,
    state: 'void' | 'running',
    {
      inMemory,
      restartsNode = false,
    }: { inMemory?: string | undefined; restartsNode?: boolean | undefined } = {},
  ): Attempt {
    const id = parseKey(key);
    const attempt: Attempt = {
      ...id,
      key,
      node: this,
      behaviour: this.behaviourOf(id),
      state,
      startedAt: this.timeline.now,
      inMemory,
      restartsNode,
      boot: this.boots,
      output: Buffer.alloc(0),
      followers: new Set(),
      callOff: () => undefined,
      stop: undefined,
      cleanUp: undefined,
    };
    this.attempts.set(key, attempt);
    return attempt;
  }

  private end(attempt: Attempt, state: Attempt['state']): void {
    attempt.callOff();
    attempt.state = state;
    for (const wake of attempt.followers) wake();
  }
}

class SimulatedConnection implements NodeConnection {
  readonly host: string;
  readonly port: number;
  readonly hostKey: string;
  lost: string | undefined;
  private resolveClosed: (reason: string) => void = () => undefined;
  readonly closed = new Promise<string>((resolve) => {
    this.resolveClosed = resolve;
  });
  /** Called when the connection is gone. */
  readonly onLost = new Set<() => void>();

  constructor(
    readonly node: SimulatedNode,
    readonly process: Host,
    target: { host: string; port: number; pinnedHostKey?: string },
  ) {
    this.host = target.host;
    this.port = target.port;
    this.hostKey = `ssh-ed25519 ${Buffer.from(node.ip).toString('base64')}`;
    this.hostKeyLearned = target.pinnedHostKey === undefined;
  }

  readonly hostKeyLearned: boolean;

  close(): void {
    this.lose('closed');
  }

  lose(reason: string): void {
    if (this.lost !== undefined) return;
    this.lost = reason;
    // A process learns of it a little later.
    this.node.timeline.schedule(this.node.random.integer(0, 20), this.process, () => {
      this.resolveClosed(reason);
      for (const wake of this.onLost) wake();
    });
  }
}

/** How a process reaches the nodes. */
export function accessTo(nodes: ReadonlyMap<string, SimulatedNode>, process: Host): NodeAccess {
  const { timeline } = process;
  const nodeAt = (host: string): SimulatedNode => {
    const node = nodes.get(host);
    if (!node) throw new Error(`there is no node ${host}`);
    return node;
  };
  const connected = (connection: NodeConnection): SimulatedConnection => {
    if (!(connection instanceof SimulatedConnection)) throw new Error('not a simulated connection');
    if (connection.lost !== undefined) throw new ConnectionLost(connection.lost);
    return connection;
  };
  const trip = ({ random }: SimulatedNode) => ({ there: random.integer(1, 20), back: random.integer(1, 20) });
  return {
    async connect(target, _settings, signal) {
      signal?.throwIfAborted();
      const node = nodeAt(target.host);
      const connection = await process.ask(trip(node), () => {
        if (!node.reachable) return undefined;
        const opened = new SimulatedConnection(node, process, target);
        node.add(opened);
        return opened;
      });
      signal?.throwIfAborted();
      if (connection) return connection;
      // Either the answer is no, or there is none.
      if (node.random.chance(0.5)) await process.clock.sleep(CONNECT_TIMEOUT_MS, signal);
      throw new ConnectFailure('unreachable', `${target.host} cannot be reached`);
    },
    async run(connection, spec, options) {
      const open = connected(connection);
      options.signal?.throwIfAborted();
      const ask = <T>(what: () => T): Promise<T> =>
        process.ask(trip(open.node), () => {
          if (open.lost !== undefined) throw new ConnectionLost(open.lost);
          return what();
        });
      const { place, beginElsewhere, mayHaveStarted = false, stopGraceMs = DEFAULT_GRACE_MS } = options;
      const notStarted = (reason: string): AttemptOutcome =>
        mayHaveStarted ? { kind: 'unknown', reason } : { kind: 'not_started', reason };
      if (place) {
        const found = await ask(() => open.node.attempts.get(spec.key));
        connected(connection);
        if (found) return follow(found, open, options);
        return { kind: 'unknown', reason: "it was to be begun in the node's memory, and is not there" };
      }
      let attempt = await ask(() => open.node.start(spec, stopGraceMs));
      if (attempt === 'full') {
        const reason = 'No space left on device';
        if (!beginElsewhere) return notStarted(reason);
        const memory = { folder: MEMORY, bootId: open.node.bootId };
        const problem = await beginElsewhere(memory, reason);
        if (problem !== undefined) return notStarted(problem);
        connected(connection);
        attempt = await ask(() => open.node.start(spec, stopGraceMs, memory.bootId));
      }
      connected(connection);
      if (typeof attempt === 'string') return notStarted(attempt);
      return follow(attempt, open, options);
    },
    async stop(connection, key, { graceMs = DEFAULT_GRACE_MS } = {}) {
      const open = connected(connection);
      const result = await process.ask(trip(open.node), () => {
        if (open.lost !== undefined) throw new ConnectionLost(open.lost);
        return open.node.stop(key, graceMs);
      });
      // What runs gets a moment between TERM and KILL.
      if (result === 'stopped') await process.clock.sleep(open.node.random.integer(0, 2_000));
      connected(connection);
      const attempt = open.node.attempts.get(key);
      while (attempt?.state === 'running') {
        const { since = 0, graceMs: first = 0 } = attempt.stop ?? {};
        const left = since + first + GIVE_UP_MS - timeline.now;
        if (left <= 0) throw open.node.stillAlive(attempt);
        await process.clock.sleep(Math.min(left, 1_000));
        connected(connection);
      }
      return result;
    },
    async boots(connection, key) {
      const open = connected(connection);
      const boots = await process.ask(trip(open.node), () => {
        if (open.lost !== undefined) throw new ConnectionLost(open.lost);
        return { begun: open.node.attempts.get(key)?.boot, now: open.node.boots };
      });
      connected(connection);
      return { ...(boots.begun === undefined ? {} : { begun: `${boots.begun}` }), now: `${boots.now}` };
    },
  };

  /** Hands on the output and waits for the end. */
  function follow(
    attempt: Attempt,
    connection: SimulatedConnection,
    { onOutput, fromOffset = 0, signal }: RunOptions,
  ): Promise<AttemptOutcome> {
    let offset = fromOffset;
    return new Promise((resolve, reject) => {
      const finish = (action: () => void): void => {
        attempt.followers.delete(changed);
        connection.onLost.delete(lost);
        signal?.removeEventListener('abort', abandoned);
        action();
      };
      const lost = (): void => finish(() => reject(new ConnectionLost(connection.lost ?? 'gone')));
      /** What a stop could not end is told to who follows it. */
      const watchStop = (): void => {
        timeline.schedule(2_000, process, () => {
          if (!attempt.followers.has(changed)) return;
          const { stop } = attempt;
          if (!stop || timeline.now < stop.since + stop.graceMs + GIVE_UP_MS) watchStop();
          else finish(() => reject(attempt.node.stillAlive(attempt)));
        });
      };
      const abandoned = (): void => finish(() => reject(signal?.reason));
      const hear = (): void => {
        if (!attempt.followers.has(changed)) return;
        if (attempt.output.length > offset) {
          const data = Buffer.from(attempt.output.subarray(offset));
          onOutput({ offset, data });
          offset += data.length;
        }
        const outcome = outcomeOf(attempt);
        if (outcome) finish(() => resolve(outcome));
      };
      const changed = (): void => {
        timeline.schedule(attempt.node.random.integer(1, 20), process, () => {
          if (connection.lost === undefined) hear();
        });
      };
      attempt.followers.add(changed);
      connection.onLost.add(lost);
      signal?.addEventListener('abort', abandoned, { once: true });
      watchStop();
      hear();
    });
  }
}

function outcomeOf({ state, behaviour, output }: Attempt): AttemptOutcome | undefined {
  switch (state) {
    case 'running':
      return undefined;
    case 'exited':
      return {
        kind: 'exited',
        exitCode: behaviour.exitCode,
        actionIndex: 0,
        actionName: 'action',
        outputBytes: output.length,
        outputCut: false,
      };
    case 'lost':
      return { kind: 'unknown', reason: 'the node was restarted while the command ran', restarted: true };
    case 'void':
    case 'stopped':
      return { kind: 'stopped' };
    default:
      return state satisfies never;
  }
}
