import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Client } from 'ssh2';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';
import { keep } from './cleanup.js';
import { usageOf } from './process-usage.js';
import { type BenchReport, type Figure, median, print } from './report.js';

const STEPS = 3;
const AT_ONCE = 50;
const SIZES = [200, 1_000];
const ROUNDS = 5;
/** Rounds of both that do not count: a service has run for a while, and has its connections. */
const WARM_UP = 2;
const COMMAND = 'echo hello';
const GOAL = 1.3;
const TASK_TIMEOUT_MS = 600_000;

/** Seconds that something took, and the processor time of its SSH clients meanwhile. */
interface Took {
  seconds: number;
  clientCpu: number;
}

type Contender = () => Promise<Took>;

/**
 * Nodes × 3 steps through the whole system, against a bare ssh2 loop that does the same on the same SSH server: one
 * connection for each node, one exec for each step, 50 nodes at a time. The two take turns; the figures are ratios. Once
 * both connect anew each time, once both have their connections open from the time before.
 */
export async function benchSsh(args: string[]): Promise<BenchReport> {
  const sizes = args[0] === undefined ? SIZES : [Number(args[0])];
  const figures: Figure[] = [];
  for (const count of sizes) {
    for (const kept of [false, true]) figures.push(...(await compare(count, kept)));
  }
  return { figures, skipped: [] };
}

async function compare(count: number, kept: boolean): Promise<Figure[]> {
  const rig = await keep(
    startRig({
      apart: true,
      fastDatabase: false,
      // A kept connection is its executor's own.
      executors: kept ? 1 : 2,
      profileDir: process.env.RIGEL_BENCH_PROFILE_DIR,
      env: {
        executor: {
          RIGEL_EXECUTOR_SLOTS: String(kept ? AT_ONCE : AT_ONCE / 2),
          RIGEL_SSH_IDLE: kept ? '600' : '0',
          // The daily tidying is no part of a step; here all nodes share one folder, each would search through all.
          RIGEL_ATTEMPTS_KEPT: '0',
        },
      },
    }),
  );
  const bare = new BareLoop(rig, loopbackNodes(count, rig.sshd.port), kept);
  try {
    const nodes = loopbackNodes(count, rig.sshd.port);
    await rig.fleet.pool(nodes);
    const step = { command: COMMAND };
    const template = await rig.fleet.template({ a: step, b: step, c: step });
    const rigel: Contender = () => throughRigel(rig, template, nodes);
    print(
      `ssh: ${count} nodes x ${STEPS} steps, ${AT_ONCE} at a time, ${ROUNDS} rounds, ` +
        (kept ? 'connections open from the time before' : 'connecting anew'),
    );
    const ratios: number[] = [];
    const cpuRatios: number[] = [];
    for (let round = 1 - WARM_UP; round <= ROUNDS; round++) {
      const one = await bare.run();
      const other = await rigel();
      if (round < 1) continue;
      const [ratio, cpuRatio] = [other.seconds / one.seconds, other.clientCpu / one.clientCpu];
      ratios.push(ratio);
      cpuRatios.push(cpuRatio);
      print(
        `  round ${round}: bare ssh2 ${one.seconds.toFixed(2)} s, Rigel ${other.seconds.toFixed(2)} s, ` +
          `ratio ${ratio.toFixed(2)}; processor time of the client ${one.clientCpu.toFixed(2)} s, ` +
          `of the executors ${other.clientCpu.toFixed(2)} s, ratio ${cpuRatio.toFixed(2)}`,
      );
    }
    const what = `${count} nodes, ${kept ? 'connections open' : 'connecting'}`;
    return [
      { name: what, value: median(ratios), unit: 'times bare ssh2', goal: { atMost: GOAL } },
      {
        name: `${what}, executors' processor time`,
        value: median(cpuRatios),
        unit: "times bare ssh2's client",
      },
    ];
  } finally {
    bare.close();
    await rig.stop();
  }
}

async function throughRigel(rig: Rig, template: number, nodes: string[]): Promise<Took> {
  const cpu = await executorsCpu(rig);
  const start = performance.now();
  const id = await rig.fleet.startTask(template, nodes);
  const task = await rig.fleet.ended(id, TASK_TIMEOUT_MS);
  const seconds = (performance.now() - start) / 1000;
  if (task.state !== 2) throw new Error(`task ${id} ended ${task.end_reason}`);
  return { seconds, clientCpu: (await executorsCpu(rig)) - cpu };
}

/** Seconds of processor time that the executors have used. */
async function executorsCpu(rig: Rig): Promise<number> {
  let seconds = 0;
  for (const { name, pid } of rig.stack.processes) {
    if (name.startsWith('executor') && pid !== undefined) seconds += (await usageOf(pid)).cpu;
  }
  return seconds;
}

/** What a script with ssh2 would do. */
class BareLoop {
  private readonly open = new Map<string, Client>();

  constructor(
    private readonly rig: Rig,
    private readonly nodes: string[],
    private readonly keep: boolean,
  ) {}

  async run(): Promise<Took> {
    const cpu = process.cpuUsage();
    const start = performance.now();
    const left = [...this.nodes];
    const worker = async (): Promise<void> => {
      for (let node = left.pop(); node !== undefined; node = left.pop()) await this.node(node);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { seconds, clientCpu: (user + system) / 1e6 };
  }

  close(): void {
    for (const client of this.open.values()) client.end();
  }

  private async node(node: string): Promise<void> {
    const client = this.open.get(node) ?? (await this.connect(node));
    for (let step = 0; step < STEPS; step++) {
      const status = await new Promise<number>((resolve, reject) => {
        client.exec(COMMAND, (error, channel) => {
          if (error) return reject(error);
          channel.on('exit', resolve).resume();
          channel.stderr.resume();
        });
      });
      if (status !== 0) throw new Error(`${node}: exit status ${status}`);
    }
    if (this.keep) this.open.set(node, client);
    else client.end();
  }

  private async connect(node: string): Promise<Client> {
    const [host = '', port = '22'] = node.split(':');
    const sock = connect({ host, port: Number(port), noDelay: true });
    const client = new Client();
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve).once('error', reject);
      client.connect({
        sock,
        username: this.rig.sshd.user,
        privateKey: this.rig.sshd.privateKey,
        readyTimeout: 120_000,
      });
    });
    return client;
  }
}
