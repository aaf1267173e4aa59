import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Client } from 'ssh2';
import { loopbackNodes } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';

const STEPS = 3;
const AT_ONCE = 50;
const ROUNDS = 5;
/** Rounds of both that do not count: both are compared warm, as a service that has run for a while. */
const WARM_UP = 2;
const COMMAND = 'echo hello';

/**
 * Nodes × 3 steps through the whole system, against a bare ssh2 loop that does the same on the same SSH server: one
 * connection for each node, 50 at a time. The two take turns; the figure is the ratio.
 */
export async function benchSsh(args: string[]): Promise<void> {
  const count = Number(args[0] ?? 200);
  const rig = await startRig({
    fastDatabase: false,
    profileDir: process.env.RIGEL_BENCH_PROFILE_DIR,
    env: { executor: { RIGEL_EXECUTOR_SLOTS: String(AT_ONCE / 2) } },
  });
  try {
    const nodes = loopbackNodes(count, rig.sshd.port);
    await rig.fleet.pool(nodes);
    const template = await rig.fleet.template({
      a: { command: COMMAND },
      b: { command: COMMAND },
      c: { command: COMMAND },
    });
    print(`ssh: ${count} nodes x ${STEPS} steps, ${AT_ONCE} at a time, ${ROUNDS} rounds`);
    for (let round = 0; round < WARM_UP; round++) {
      await bareLoop(rig, nodes);
      await throughRigel(rig, template, nodes);
    }
    const ratios: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const bare = await bareLoop(rig, nodes);
      const rigel = await throughRigel(rig, template, nodes);
      ratios.push(rigel / bare);
      print(
        `  round ${round}: bare ssh2 ${bare.toFixed(2)} s, Rigel ${rigel.toFixed(2)} s, ratio ${(rigel / bare).toFixed(2)}`,
      );
    }
    ratios.sort((a, b) => a - b);
    print(`  median ratio ${(ratios[Math.floor(ratios.length / 2)] ?? 0).toFixed(2)} (goal: at most 2.0)\n`);
  } finally {
    await rig.stop();
  }
}

async function throughRigel(rig: Rig, template: number, nodes: string[]): Promise<number> {
  const start = performance.now();
  const id = await rig.fleet.startTask(template, nodes);
  const task = await rig.fleet.ended(id, 300_000);
  const seconds = (performance.now() - start) / 1000;
  if (task.state !== 2) throw new Error(`task ${id} ended ${task.end_reason}`);
  return seconds;
}

async function bareLoop(rig: Rig, nodes: string[]): Promise<number> {
  const start = performance.now();
  const left = [...nodes];
  const worker = async (): Promise<void> => {
    for (let node = left.pop(); node !== undefined; node = left.pop()) await bareNode(rig, node);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (performance.now() - start) / 1000;
}

async function bareNode(rig: Rig, node: string): Promise<void> {
  const [host = '', port = '22'] = node.split(':');
  const sock = connect({ host, port: Number(port), noDelay: true });
  const client = new Client();
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve).once('error', reject);
    client.connect({ sock, username: rig.sshd.user, privateKey: rig.sshd.privateKey });
  });
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
  client.end();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
