import { createHash } from 'node:crypto';
import { catalog, controlSubject, inventory, newExecutor, type TaskTarget } from '@rigel/contracts';
import { AnswersKept, EventConsumer, EventRelay } from '@rigel/event-store';
import { Agent, SshRunner, StepSecrets } from '@rigel/executor';
import { Bus } from '@rigel/messaging';
import { Operations } from '@rigel/runtime';
import { Replica } from '@rigel/scheduler';
import { silentLogger } from '@rigel/testing';
import { Random } from '../support/random.js';
import { SimulatedDatabase, type StoreDefects } from './database.js';
import { Host } from './host.js';
import { PartitionLocks } from './locks.js';
import { Network } from './network.js';
import { type AttemptId, accessTo, type Behaviour, SimulatedNode } from './nodes.js';
import { Promises } from './promises.js';
import { Timeline } from './timeline.js';
import { SimulatedWorkQueue } from './work-queue.js';

/** How long a command may run on after its executor could be told that it is to end. */
const STOP_MS = 30_000;
const SCHEDULERS = 2;
const EXECUTORS = 3;
export const NODES = 8;
export const SETTINGS = {
  limits: { remoteMs: 90_000, providerMs: 90_000 },
  retryDelayMs: 2_000,
  dependencyWaitMs: 30_000,
};
const SPELLINGS_SEED = 15_485_863;
/** The first machine once more, in another spelling, as a node of its own. */
export const OTHER_SPELLING = '10.0.0.1:22';
const RESTART_MS = [200, 4_000] as const;
/** A step's name says how it is to be run: `s<retries>[i|r]`, i = errors are ignored, r = it restarts its node. */
export const TEMPLATES: readonly (readonly string[])[] = [
  ['s0'],
  ['s1', 's0'],
  ['s0', 's2', 's1i'],
  ['s1i', 's3'],
  ['s1r', 's0'],
];

/** A whole system in one process, on one thread, in simulated time. */
export class World {
  readonly timeline = new Timeline();
  readonly random: Random;
  /** Chance of its own for the machine that is two nodes: the other seeds are as they would be without it. */
  readonly spellings: Random;
  /** The inventory has the first machine twice, as an earlier release let it be entered. */
  readonly spelledTwice: boolean;
  readonly network: Network;
  readonly queue: SimulatedWorkQueue;
  readonly database: SimulatedDatabase;
  readonly locks: PartitionLocks;
  readonly nodes = new Map<string, SimulatedNode>();
  readonly promises: Promises;
  /** Live processes by what they are: `scheduler-1`, `executor-2`, `follower`, `neighbours`, `client`. */
  readonly hosts = new Map<string, Host>();
  /** Positions that the follower of the events was told, in order. */
  readonly followed: number[] = [];
  readonly trace: string[] = [];
  private readonly digest = createHash('sha256');
  private readonly replicas = new Map<Host, Replica>();
  private starts = 0;
  /** Faults are injected until then. */
  faultsUntil = 0;
  private readonly behaviours = new Map<string, Behaviour>();
  private readonly behaviourSeed: number;
  /** Share of the commands that fail. */
  private readonly failures: number;
  /** Share of the commands that withstand being ended. */
  private readonly stubborn: number;

  constructor(
    readonly seed: number,
    private readonly options: { defects?: StoreDefects; trace?: boolean } = {},
  ) {
    this.random = new Random(seed);
    this.spellings = new Random(seed + SPELLINGS_SEED);
    this.spelledTwice = this.spellings.chance(0.3);
    this.behaviourSeed = this.random.integer(0, 1_000_000);
    this.failures = this.random.pick([0.02, 0.15, 0.4]);
    this.stubborn = new Random(seed + 1).pick([0, 0, 0.15, 0.4]);
    this.promises = new Promises(() => this.database, this.nodes);
    const { timeline } = this;
    this.network = new Network(timeline, this.random.fork(), (subject, request, reply) =>
      this.promises.onReply(subject, request, reply),
    );
    this.queue = new SimulatedWorkQueue(timeline, this.network, this.random.fork());
    this.database = new SimulatedDatabase(
      timeline,
      this.random.fork(),
      (events) => {
        for (const { stream, version, type, data } of events) {
          this.note(`${stream} ${version} ${type}`, type === 'TaskCreated' ? undefined : data);
        }
        this.promises.onCommit(events);
      },
      options.defects ?? {},
    );
    this.locks = new PartitionLocks(this.database, this.random.fork());
    const random = this.random.fork();
    for (let n = 1; n <= NODES; n++) {
      const ip = `10.0.0.${n}`;
      this.nodes.set(
        ip,
        new SimulatedNode(ip, timeline, random, (id) => this.behaviourOf(id), {
          onStart: (attempt) => {
            this.note(`node ${ip} begins r${attempt.run} s${attempt.step} a${attempt.attempt}`);
            this.promises.onStart(attempt);
          },
          onDisturbed: (attempt) => this.promises.onDisturbed(attempt),
        }),
      );
    }
    this.startNeighbours();
    for (let n = 1; n <= SCHEDULERS; n++) this.startScheduler(`scheduler-${n}`);
    for (let n = 1; n <= EXECUTORS; n++) this.startExecutor(`executor-${n}`);
    this.startFollower();
  }

  /** Adds a line to the seed's story; two runs of a seed tell the same. */
  note(what: string, data?: unknown): void {
    const line = `${((this.timeline.now - 1_700_000_000_000) / 1_000).toFixed(3)} ${what}${data === undefined ? '' : ` ${JSON.stringify(data)}`}`;
    this.digest.update(line);
    if (this.options.trace) this.trace.push(line);
  }

  /** Of all that was noted. */
  fingerprint(): string {
    return this.digest.copy().digest('hex');
  }

  /** What a command does on its node: a matter of the seed and of the attempt's place, not of when it is asked. */
  private behaviourOf({ run, step, attempt }: AttemptId): Behaviour {
    const key = `${run}/${step}/${attempt}`;
    let behaviour = this.behaviours.get(key);
    if (!behaviour) {
      const random = new Random(this.behaviourSeed + run * 7_919 + step * 104_729 + attempt * 1_299_709);
      const long = random.chance(0.15);
      behaviour = {
        durationMs: long ? random.integer(10_000, 70_000) : random.integer(10, 4_000),
        exitCode: random.chance(this.failures) ? 1 : 0,
        output: random.chance(0.8) ? `output of ${key}\n`.repeat(random.integer(1, 20)) : '',
        withstandsMs: random.chance(this.stubborn)
          ? random.pick([20_000, 100_000, Number.POSITIVE_INFINITY])
          : 0,
        cleanUpMs: random.chance(0.2) ? random.integer(500, 9_000) : 0,
        restartAfterMs: undefined,
        downMs: random.integer(1_000, 20_000),
      };
      // Until its time is up, or somebody ends it, which is what it is for.
      if (behaviour.withstandsMs > 0) behaviour.durationMs = random.integer(20_000, 200_000);
      const { durationMs } = behaviour;
      // In the middle of it, or later, or not at all.
      if (random.chance(0.4)) behaviour.restartAfterMs = durationMs / 2;
      else if (random.chance(0.85)) behaviour.restartAfterMs = durationMs + random.integer(1, 10_000);
      this.behaviours.set(key, behaviour);
    }
    return behaviour;
  }

  private startHost(role: string, restart: (() => void) | undefined): Host {
    const host = new Host(`${role}#${++this.starts}`, this.timeline, () => {
      this.note(`${host.name} is dead`);
      this.replicas.delete(host);
      this.timeline.schedule(this.random.integer(0, 50), undefined, () => this.network.forget(host));
      this.timeline.schedule(this.random.integer(0, 2_000), undefined, () => this.locks.end(host));
      this.queue.forget(host);
      if (restart) this.timeline.schedule(this.random.integer(...RESTART_MS), undefined, restart);
    });
    this.hosts.set(role, host);
    return host;
  }

  busOf(host: Host): Bus {
    return Bus.over(this.network.connect(host), silentLogger, host.clock);
  }

  private startScheduler(role: string): void {
    const host = this.startHost(role, () => this.startScheduler(role));
    const bus = this.busOf(host);
    const log = silentLogger;
    const relay = new EventRelay({
      owner: 'scheduler',
      history: this.database.history(host),
      bus,
      clock: host.clock,
      log,
    });
    relay.start();
    const replica = new Replica({
      bus,
      operations: new Operations(bus, log, new AnswersKept(this.database.answers(host), host.clock, log)),
      store: this.database.connect(host, (events) => relay.notify(events)),
      wire: {
        offer: this.queue.connect(host).offer,
        control: (executor, control) => bus.publish(controlSubject(executor), control),
      },
      clock: host.clock,
      settings: SETTINGS,
      log,
    });
    this.replicas.set(host, replica);
    replica.start();
    this.locks.follow(host, (partitions) => replica.own(partitions));
  }

  private startExecutor(role: string): void {
    const host = this.startHost(role, () => this.startExecutor(role));
    const bus = this.busOf(host);
    const { name, key } = newExecutor(
      host.name,
      createHash('sha256').update(host.name).digest('base64url').slice(0, 22),
    );
    const agent = new Agent({
      executor: name,
      key,
      capabilities: ['ssh'],
      slots: 4,
      bus,
      work: this.queue.connect(host),
      clock: host.clock,
      createRunner: (_capability, claimed, log) =>
        new SshRunner(claimed, SSH_SETTINGS, accessTo(this.nodes, host), host.clock, NO_SECRETS, log),
      log: silentLogger,
    });
    agent.start();
    this.agents.set(host, agent);
  }

  private readonly agents = new Map<Host, Agent>();

  /** An executor is asked to end, as by SIGTERM. */
  drain(host: Host): void {
    this.note(`${host.name} is asked to end`);
    this.agents
      .get(host)
      ?.stop()
      .then(() => host.kill());
  }

  /** Another service that follows the scheduler's events. */
  private startFollower(): void {
    const host = this.startHost('follower', () => this.startFollower());
    new EventConsumer({
      owner: 'scheduler',
      checkpoint: this.database.checkpoint(host, this.followed),
      bus: this.busOf(host),
      clock: host.clock,
      log: silentLogger,
    }).start();
  }

  /** Inventory and catalog as the scheduler asks them. */
  private startNeighbours(): void {
    const bus = this.busOf(this.startHost('neighbours', undefined));
    bus.serve(inventory.findTargets, async ({ ips }) => ({
      targets: ips.map((ip) => this.targetOf(ip)),
      unknown: [],
    }));
    bus.serve(inventory.targetsById, async ({ ids }) => ({
      targets: ids.map((id) => this.targetOf(id > NODES ? OTHER_SPELLING : `10.0.0.${id}`)),
    }));
    bus.serve(catalog.resolveTemplate, async ({ id }) => templateOf(id));
  }

  /** A node as inventory tells of it. */
  targetOf(ip: string): TaskTarget {
    const node_id = ip === OTHER_SPELLING ? NODES + 1 : Number(ip.split('.')[3]);
    const target = { node_id, ip, vm_id: '', pool_id: 1, pool_name: 'pool' };
    if (!this.spelledTwice) return target;
    if (node_id === 1) return { ...target, same_machine: [{ node_id: NODES + 1, ip: OTHER_SPELLING }] };
    if (ip === OTHER_SPELLING) return { ...target, same_machine: [{ node_id: 1, ip: '10.0.0.1' }] };
    return target;
  }

  /** A process of its own for whoever uses the API. */
  startClient(): Host {
    return this.startHost('client', undefined);
  }

  /** Compares what replicas have in memory with what the events say. */
  compareLive(): void {
    for (const [host, replica] of this.replicas) {
      if (host.dead) continue;
      for (const task of replica.engine.loaded()) this.promises.compareLive(task);
    }
  }

  /** Since when nothing goes wrong any more; a moment in the future as long as something does. */
  get quietSince(): number {
    const hosts = [...this.hosts.values()].flatMap(({ frozenUntil, offlineUntil }) => [
      frozenUntil,
      offlineUntil,
    ]);
    const nodes = [...this.nodes.values()].map(({ downUntil }) => downUntil);
    return Math.max(this.faultsUntil, this.network.downUntil, this.database.downUntil, ...hosts, ...nodes);
  }

  /** Looks for commands that a stop should have ended. */
  compareStopped(): void {
    const since = this.timeline.now - STOP_MS;
    if (this.quietSince < since) this.promises.compareStopped(since);
  }

  /** Whether the follower has been told all that is published, once and in order. */
  followedAll(): boolean {
    const { published } = this.database;
    if (this.followed.length !== published.length) return false;
    const inOrder = [...published].sort((a, b) => a - b);
    return this.followed.every((position, index) => position === inOrder[index]);
  }
}

/** A template as the catalog tells of it. */
export function templateOf(id: number) {
  return {
    id,
    name: `template-${id}`,
    steps: (TEMPLATES[id - 1] ?? []).map((name) => ({
      name,
      kind: 'remote' as const,
      param_values: {},
      retry: { retry_times: Number(name[1]), ignore_error: name.endsWith('i') },
      ...(name.endsWith('r') ? { reboot: true } : {}),
      actions: [{ name, params: {}, module: 'shell' as const, text: 'true' }],
    })),
  };
}

const NO_SECRETS = new StepSecrets({ read: () => Promise.reject(new Error('there are no secrets')) });

const SSH_SETTINGS = {
  connection: {
    user: 'root',
    privateKey: '',
    hostKeyPolicy: 'accept-new' as const,
    connectTimeoutMs: 15_000,
    keepaliveIntervalMs: 10_000,
    keepaliveCountMax: 3,
  },
  defaultPort: 22,
  outputLimitBytes: 1_048_576,
  connectRetryMs: 60_000,
};
