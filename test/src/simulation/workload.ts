import { createHash } from 'node:crypto';
import {
  type OnceAnswer,
  onceOf,
  type Rpc,
  type RpcRequest,
  type RpcResponse,
  ServiceError,
  tasks,
} from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import { hasEnded, planSteps, recordTasks } from '@rigel/scheduler';
import { Random } from '../support/random.js';
import type { Host } from './host.js';
import { NODES, OTHER_SPELLING, SETTINGS, TEMPLATES, templateOf, type World } from './world.js';

/** A command of the client that was answered with success: what must be in the history then. */
interface Acknowledged {
  task: number;
  event: 'TaskCreated' | 'TaskStarted' | 'TaskPaused' | 'TaskStopped' | 'NodeReleased';
  operator: string;
}

/** An operator who makes tasks and starts, pauses and stops them, and remembers every success that was said. */
export class Client {
  private readonly acknowledged: Acknowledged[] = [];
  private readonly bus: Bus;
  private readonly host: Host;
  /** Chance of what concerns keys. */
  private readonly keys: Random;
  /** Chance of what starts choose. */
  private readonly choices: Random;
  /** Operators who make their only task under a key. */
  private readonly operatorsWithKey = new Set<string>();
  private commands = 0;
  private tasksMade = 0;
  /** All was done that was to be done while things went wrong. */
  done = false;

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {
    this.keys = new Random(world.seed * 7_919 + 13);
    this.choices = new Random(world.seed * 6_311 + 17);
    this.host = world.startClient();
    this.bus = world.busOf(this.host);
  }

  /** Works through a random plan. */
  async work(taskCount: number): Promise<void> {
    // Not always: its nodes are taken from the other tasks, whose own troubles need many of them.
    const followed = this.random.chance(0.4) ? [this.followedTask()] : [];
    const spelled = this.world.spelledTwice ? [this.otherSpelling()] : [];
    void this.lookAfterNodes();
    await Promise.all([...Array.from({ length: taskCount }, () => this.oneTask()), ...followed, ...spelled]);
    this.done = true;
  }

  /** Tasks on the machine that the other tasks know as 10.0.0.1, by its other name, whenever it can be had. */
  private async otherSpelling(): Promise<void> {
    const { host, world } = this;
    const random = world.spellings;
    for (let n = 1; n <= 8; n++) {
      await host.clock.sleep(random.integer(0, 4_000));
      const operator = `speller-${n}`;
      const created = await this.call(tasks.create, {
        template_id: random.integer(1, TEMPLATES.length),
        task_name: `other spelling ${n}`,
        timeout: 0,
        auto: random.chance(0.9),
        max_ratio: 100,
        max_num: 0,
        opr_user: operator,
        nodes: [OTHER_SPELLING],
        params: {},
      });
      for (const id of created?.ids ?? []) {
        this.acknowledged.push({ task: id, event: 'TaskCreated', operator });
        await host.clock.sleep(random.integer(500, 8_000));
        if (random.chance(0.4)) await this.control(id, 'stop');
        if (random.chance(0.3)) await this.control(id, 'start');
      }
    }
  }

  /**
   * Two tasks in one go, as a schedule makes them, of which the second one's nodes wait for those of the first. Nobody is told
   * of them: whoever owns them finds them in the table.
   */
  private async followedTask(): Promise<void> {
    const { random, host, world } = this;
    await host.clock.sleep(random.integer(0, 20_000));
    const ips = random.shuffle(Array.from({ length: NODES }, (_, i) => `10.0.0.${i + 1}`));
    const taskOver = (first: number, count: number) => {
      const template = templateOf(random.integer(1, TEMPLATES.length));
      return {
        name: 'of a schedule',
        template,
        steps: planSteps(template.steps, SETTINGS.limits),
        unusedParams: [],
        sources: [],
        targets: ips.slice(first, first + count).map((ip) => world.targetOf(ip)),
        batch: { maxRatio: 100, maxNum: random.integer(0, 2) },
        budget: {},
        timeoutMs: 0,
        start: true,
        operator: 'crontab',
        flowType: 'crontab' as const,
        now: host.clock.now(),
      };
    };
    const others = taskOver(0, 2);
    const own = taskOver(2, 2);
    const step = random.integer(0, others.steps.length - 1);
    const gate = {
      before: random.chance(0.3) ? 0 : own.steps.length - 1,
      limitMs: SETTINGS.dependencyWaitMs,
      waitsFor: [{ pool: 1, step, stepName: others.steps[step]?.name ?? '' }],
    };
    const store = world.database.connect(host, () => undefined);
    const parts = { store, settings: SETTINGS };
    const context = { correlationId: 'simulated', actor: 'crontab', partition: undefined };
    try {
      const ids = await recordTasks([others, { ...own, gate }], context, parts);
      if (random.chance(0.3)) await this.control(ids[0] ?? 0, 'pause');
      await host.clock.sleep(random.integer(500, 40_000));
      for (const id of ids) if (random.chance(0.7)) await this.control(id, 'start');
    } catch (error) {
      // The nodes may be held, and the database away.
      this.world.note(`client: no followed task: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Ends by hand, in the end, what withstands everything else, and sometimes says so. */
  private async lookAfterNodes(): Promise<void> {
    const { host, world } = this;
    const random = new Random(world.seed + 2);
    for (;;) {
      await host.clock.sleep(random.integer(5_000, 60_000));
      for (const task of world.promises.folded.values()) {
        for (const run of task.runs) {
          const node = world.nodes.get(run.ip === OTHER_SPELLING ? '10.0.0.1' : run.ip);
          if (run.phase !== 'draining' || !run.drain || !node?.reachable || random.chance(0.5)) continue;
          for (const attempt of node.running) if (attempt.run === run.id) node.endByHand(attempt);
          // Of the others it is seen on the node, by who looks again.
          if (run.id % 2 === 0) await this.release(task.id, run.id);
        }
      }
    }
  }

  private async release(task: number, id: number): Promise<void> {
    const operator = `operator-release-${++this.commands}`;
    this.world.note(`client: release ${id}`);
    const answer = await this.call(tasks.releaseNode, { id, reason: 'ended by hand', opr_user: operator });
    if (answer) this.acknowledged.push({ task, event: 'NodeReleased', operator });
  }

  private async oneTask(): Promise<void> {
    const { random, host } = this;
    const n = ++this.tasksMade;
    await host.clock.sleep(random.integer(0, 20_000));
    const operator = `operator-${n}`;
    const request: RpcRequest<typeof tasks.create> = {
      template_id: random.integer(1, TEMPLATES.length),
      task_name: `task ${n}`,
      timeout: random.chance(0.1) ? 1 : 0,
      auto: random.chance(0.8),
      max_ratio: 100,
      max_num: random.integer(0, 3),
      ...(random.chance(0.2) ? { max_fail_num: random.integer(0, 2) } : {}),
      opr_user: operator,
      nodes: random
        .shuffle(Array.from({ length: NODES }, (_, i) => `10.0.0.${i + 1}`))
        .slice(0, random.integer(1, 6)),
      params: {},
    };
    const created = this.keys.chance(0.6)
      ? await this.createByKey(n, request)
      : await this.call(tasks.create, request);
    for (const id of created?.ids ?? []) {
      this.acknowledged.push({ task: id, event: 'TaskCreated', operator });
      if (random.chance(0.4)) await this.pauseInALaterBatch(id);
      for (let i = random.integer(0, 3); i > 0; i--) {
        await host.clock.sleep(random.integer(500, 15_000));
        const command = random.pick(['start', 'pause', 'start', 'pause', 'stop'] as const);
        await this.control(id, command);
        if (command !== 'pause' || random.chance(0.3)) continue;
        // Steps of the paused task may still be at work then.
        await host.clock.sleep(random.integer(0, 3_000));
        await this.control(id, 'start');
      }
    }
  }

  /**
   * Makes a task under a key, and asks again under it as long as the answer is lost, or twice at once, as clients and proxies do.
   */
  private async createByKey(
    n: number,
    request: RpcRequest<typeof tasks.create>,
  ): Promise<RpcResponse<typeof tasks.create> | undefined> {
    const { keys, host, world } = this;
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const once = { key: hash(`key of task ${n}`), request: hash(JSON.stringify(request)) };
    this.operatorsWithKey.add(request.opr_user);
    let told: readonly number[] | undefined;
    const ask = async (): Promise<boolean> => {
      // A client has less patience than a service.
      const outcome = await this.call(onceOf(tasks.create), { once, request }, keys.integer(1_000, 10_000));
      if (!outcome) return false;
      const { ids } = (outcome as OnceAnswer<RpcResponse<typeof tasks.create>>).answer;
      if (told && told.join() !== ids.join())
        world.promises.fail(`the key of task ${n} made ${told} and then ${ids}`);
      told = ids;
      return true;
    };
    for (let times = keys.integer(1, 6); times > 0; times--) {
      const answered = await Promise.all(keys.chance(0.3) ? [ask(), ask()] : [ask()]);
      world.note(`client: task ${n} by its key: ${told ?? 'no answer'}`);
      // Some proxies repeat what was answered.
      if (answered.some(Boolean) && keys.chance(0.8)) break;
      // Late ones come when the task has ended, and its nodes would be free for another.
      await host.clock.sleep(keys.chance(0.4) ? keys.integer(10_000, 90_000) : keys.integer(0, 3_000));
    }
    return told && { ids: [...told] };
  }

  /** Pauses when a later batch is at work and an earlier one has failed nodes, and starts before the steps are done. */
  private async pauseInALaterBatch(id: number): Promise<void> {
    const { host, random, world } = this;
    for (let i = 0; i < 300; i++) {
      const task = world.promises.folded.get(id);
      const failedBefore = task?.runs.some(
        ({ batch, verdict }) => batch < task.batch && verdict === 'failed',
      );
      if (failedBefore && task?.status === 'running' && task.runs.some(({ holder }) => holder !== null)) {
        await this.control(id, 'pause');
        await host.clock.sleep(random.integer(0, 300));
        await this.control(id, 'start');
        return;
      }
      await host.clock.sleep(100);
    }
  }

  private async control(id: number, command: 'start' | 'pause' | 'stop'): Promise<void> {
    const operator = `operator-${command}-${++this.commands}`;
    this.world.note(`client: ${command} ${id}`);
    const answer = await this.call(tasks[command], {
      id,
      opr_user: operator,
      ...(command === 'start' ? this.choose(id) : {}),
    });
    const event = { start: 'TaskStarted', pause: 'TaskPaused', stop: 'TaskStopped' } as const;
    this.world.note(`client: ${command} ${id} ${answer ? 'done' : 'not done'}`);
    if (answer) this.acknowledged.push({ task: id, event: event[command], operator });
  }

  /** Sometimes only some of what is left goes on, or all but what failed, with or without a budget from there on. */
  private choose(id: number): Pick<RpcRequest<typeof tasks.start>, 'runs' | 'max_fail_num'> {
    const { choices, world } = this;
    if (this.done || choices.chance(0.6)) return {};
    const left = (world.promises.folded.get(id)?.runs ?? []).filter(({ verdict }) => verdict !== 'succeeded');
    const runs = left.filter(() => choices.chance(0.5)).map((run) => run.id);
    const budget = choices.chance(0.5) ? { max_fail_num: choices.integer(0, 3) } : {};
    if (runs.length === 0 || choices.chance(0.3)) return { runs: 'halted', ...budget };
    return { runs, ...budget };
  }

  private async call<R extends Rpc>(
    rpc: R,
    request: RpcRequest<R>,
    timeoutMs = rpc.timeoutMs,
  ): Promise<RpcResponse<R> | undefined> {
    try {
      return await this.bus.call(rpc, request, { correlationId: 'simulated', actor: 'client', timeoutMs });
    } catch (error) {
      if (error instanceof ServiceError && error.code !== 'internal') return undefined;
      this.world.promises.fail(`${rpc.subject} fails unexpectedly: ${error}`);
      return undefined;
    }
  }

  /** When nothing goes wrong any more: lets every task that stands still go on, until all have ended. */
  async finishAll(): Promise<void> {
    for (;;) {
      const waiting = [...this.world.promises.folded.values()].filter(
        ({ status }) => status === 'created' || status === 'paused',
      );
      for (const { id } of waiting) await this.control(id, 'start');
      await this.host.clock.sleep(3_000);
    }
  }

  /** Every success that was said is in the history, and every key has made one task at most. */
  check(): void {
    const made = new Map<string, number[]>();
    for (const { id, created } of this.world.promises.folded.values()) {
      if (this.operatorsWithKey.has(created.operator))
        made.set(created.operator, [...(made.get(created.operator) ?? []), id]);
    }
    for (const [operator, ids] of made) {
      if (ids.length > 1) this.world.promises.fail(`one key of ${operator} has made the tasks ${ids}`);
    }
    for (const { task, event, operator } of this.acknowledged) {
      const history = this.world.database.streams.get(`task-${task}`) ?? [];
      const found = history.some(
        ({ type, data }) => type === event && (data as { operator?: string }).operator === operator,
      );
      if (!found)
        this.world.promises.fail(`${event} of task ${task} by ${operator} was acknowledged and is lost`);
    }
  }

  get allEnded(): boolean {
    return [...this.world.promises.folded.values()].every(
      (task) => hasEnded(task) && !task.runs.some(({ phase }) => phase === 'draining'),
    );
  }
}
