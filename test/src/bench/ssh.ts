import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Client } from 'ssh2';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';

const STEPS = 3;
const AT_ONCE = 50;
const SIZES = [200, 1_000];
const ROUNDS = 5;
/** Rounds of both that do not count: a service has run for a while, and has its connections. */
const WARM_UP = 2;
const COMMAND = 'echo hello';
const USAGE = 'usage: bench ssh [--nodes <n>,<n>…] [--rounds <n>]';
const TICKS_PER_SECOND = 100;

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
export async function benchSsh(args: string[]): Promise<void> {
  const { sizes, rounds } = readArguments(args);
  for (const count of sizes) {
    for (const kept of [false, true]) await compare(count, rounds, kept);
  }
}

async function compare(count: number, rounds: number, kept: boolean): Promise<void> {
  const rig = await startRig({
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
  });
  const bare = new BareLoop(rig, loopbackNodes(count, rig.sshd.port), kept);
  try {
    const nodes = loopbackNodes(count, rig.sshd.port);
    await rig.fleet.pool(nodes);
    const step = { command: COMMAND };
    const template = await rig.fleet.template({ a: step, b: step, c: step });
    const rigel: Contender = () => throughRigel(rig, template, nodes);
    print(
      `ssh: ${count} nodes x ${STEPS} steps, ${AT_ONCE} at a time, ${rounds} rounds, ` +
        (kept ? 'connections open from the time before' : 'connecting anew'),
    );
    const ratios: number[] = [];
    const cpuRatios: number[] = [];
    for (let round = 1 - WARM_UP; round <= rounds; round++) {
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
    print(
      `  median ratio ${median(ratios).toFixed(2)} (goal: at most 1.3), ` +
        `of the processor time ${median(cpuRatios).toFixed(2)}\n`,
    );
  } finally {
    bare.close();
    await rig.stop();
  }
}

async function throughRigel(rig: Rig, template: number, nodes: string[]): Promise<Took> {
  const cpu = await executorsCpu(rig);
  const start = performance.now();
  const id = await rig.fleet.startTask(template, nodes);
  const task = await rig.fleet.ended(id, 300_000);
  const seconds = (performance.now() - start) / 1000;
  if (task.state !== 2) throw new Error(`task ${id} ended ${task.end_reason}`);
  return { seconds, clientCpu: (await executorsCpu(rig)) - cpu };
}

/** Seconds of processor time that the executors have used. */
async function executorsCpu(rig: Rig): Promise<number> {
  let ticks = 0;
  for (const { name, pid } of rig.stack.processes) {
    if (!name.startsWith('executor') || pid === undefined) continue;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
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
      client.connect({ sock, username: this.rig.sshd.user, privateKey: this.rig.sshd.privateKey });
    });
    return client;
  }
}

function readArguments(args: string[]): { sizes: number[]; rounds: number } {
  let sizes = SIZES;
  let rounds = ROUNDS;
  for (let index = 0; index < args.length; index++) {
    const [name, value] = args[index]?.startsWith('--')
      ? [args[index], args[++index]]
      : ['--nodes', args[index]];
    const numbers = (value ?? '').split(',').map(Number);
    if (!numbers.every((number) => Number.isInteger(number) && number > 0 && number <= 10_000)) {
      throw new Error(`${name}: ${value} is not a whole number from 1 to 10000; ${USAGE}`);
    }
    if (name === '--nodes') sizes = numbers;
    else if (name === '--rounds') rounds = numbers[0] ?? ROUNDS;
    else throw new Error(`there is no option ${name}; ${USAGE}`);
  }
  return { sizes, rounds };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
