import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { run as rigel } from '@rigel/cli';
import { type Capability, type Participant, WORK_STREAM, type WorkOffer } from '@rigel/contracts';
import { ensureAuthority, issueLoopbackCertificate } from '@rigel/local';
import { ensureNatsServer } from '@rigel/local-servers';
import { Bus, WorkQueue } from '@rigel/messaging';
import { silentLogger, waitFor } from '@rigel/testing';
import t from 'tap';
import { findManifest, type Manifest, overlayFolder, render } from '../manifests/render.js';
import { loopbackHosts } from '../support/fleet.js';
import { depthByKeda, type JetStreamTrigger } from '../support/keda.js';
import { type NatsCluster, type NatsMember, startNatsCluster } from '../support/nats-cluster.js';
import { natsRefusals, type Rig, startRig } from '../support/rig.js';

/*
 * NATS as production runs it: three servers with the files, arguments and environment of the rendered overlay. The system works
 * on them while they die; then the autoscaler's questions are asked, and who may become a server of the cluster is tried.
 */

const NODES = 60;
/** Nodes of the task that are done only when the faults are over. */
const HELD = 10;

let manifests: Manifest[];
let dataDir: string;
let cluster: NatsCluster;
let rig: Rig;
t.before(async () => {
  manifests = await render(overlayFolder('production'));
  const folder = await mkdtemp(join(tmpdir(), 'rigel-nats-cluster-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  dataDir = join(folder, 'data');
  const binary = await ensureNatsServer({
    cacheDir: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rigel'),
    log: (line) => t.comment(line),
  });
  cluster = await startNatsCluster(manifests, binary, dataDir);
  t.teardown(() => cluster.stop());
  rig = await startRig({
    secured: true,
    dataDir,
    natsUrl: cluster.url,
    env: {
      scheduler: { RIGEL_WORK_REPLICAS: cluster.workReplicas },
      executor: { RIGEL_EXECUTOR_SLOTS: '10' },
    },
  });
  t.teardown(() => rig.stop());
});

interface Stream {
  name: string;
  state: { messages: number; last_seq: number };
  config: { num_replicas: number };
  cluster: { leader?: string; replicas?: { name: string; current: boolean; offline?: boolean }[] };
}

/** The stream of work as its leader has it; undefined while there is none. */
async function workStream(): Promise<Stream | undefined> {
  for (const { name, host } of cluster.members) {
    const info = (await cluster
      .monitor(`http://${host}:8222/jsz?acc=$G&streams=true&config=true`)
      .catch(() => ({}))) as { account_details?: { stream_detail?: Stream[] }[] };
    const stream = info.account_details?.[0]?.stream_detail?.find((each) => each.name === WORK_STREAM);
    if (stream?.cluster.leader === name) return stream;
  }
  return undefined;
}

const leading = (unless?: string): Promise<Stream> =>
  waitFor(
    async () => {
      const stream = await workStream();
      return stream && stream.cluster.leader !== unless ? stream : undefined;
    },
    { what: 'the stream of work has a leader', timeoutMs: 60_000 },
  );

const member = (test: (each: NatsMember) => boolean): NatsMember => {
  const found = cluster.members.find(test);
  if (!found) throw new Error('there is no such server');
  return found;
};

t.test('a task goes on while servers of the cluster die and lose their files', async (t) => {
  const { fleet, sshd } = rig;
  const hosts = loopbackHosts(NODES + 9);
  const address = (host: string) => `${host}:${sshd.port}`;
  await fleet.pool(hosts.map(address));
  const held = hosts.slice(NODES - HELD, NODES).join('|');
  const template = await fleet.template({
    first: { command: 'set -- $SSH_CONNECTION; sleep 0.5; echo "$3" >> first' },
    second: {
      command: `set -- $SSH_CONNECTION; case $3 in ${held}) until [ -e go ]; do sleep 0.2; done;; esac; echo "$3" >> second`,
    },
  });
  /** A task over the next three nodes, from its creation to its end. */
  let used = NODES;
  const another = async (what: string): Promise<void> => {
    const nodes = hosts.slice(used, used + 3).map(address);
    used += 3;
    const id = await waitFor(() => fleet.startTask(template, nodes).catch(() => undefined), {
      what: `a task is taken: ${what}`,
      timeoutMs: 60_000,
    });
    t.match(await fleet.ended(id), { state: 2, stat: [0, 0, 3, 0, 0] }, what);
  };

  const id = await fleet.startTask(template, hosts.slice(0, NODES).map(address), { max_ratio: 100 });
  const made = await leading();
  t.equal(made.config.num_replicas, 3, 'all three servers keep the offers');
  t.ok(made.state.messages > 0, `${made.state.messages} offers wait`);

  const first = member(({ name }) => name === made.cluster.leader);
  await first.end('SIGKILL');
  const next = await leading(first.name);
  t.ok(next.state.messages > 0, `${next.state.messages} offers are kept by the others`);
  await another('new work with two of three servers');
  await first.start();
  await first.caughtUp();

  const second = member(({ name }) => name !== first.name && name !== next.cluster.leader);
  await second.end('SIGKILL');
  await second.emptyStore();
  await second.start();
  await second.caughtUp();
  await waitFor(async () => (await workStream())?.cluster.replicas?.every(({ current }) => current), {
    what: 'the emptied server has the stream again',
    timeoutMs: 60_000,
  });

  const third = member(({ name }) => name !== first.name && name !== second.name);
  await third.end('SIGTERM');
  const before = await leading(third.name);
  await another('new work on the two that had been down');
  const after = await leading(third.name);
  t.ok(after.state.last_seq >= before.state.last_seq + 3, 'its offers went through the queue');

  await second.end('SIGKILL');
  await another('new work on the last one, whose JetStream has no majority');
  await second.start();

  await writeFile(join(sshd.home, 'go'), '');
  t.match(await fleet.ended(id), { state: 2, stat: [0, 0, NODES, 0, 0] });
  for (const step of ['first', 'second']) {
    const ran = (await readFile(join(sshd.home, step), 'utf8')).trim().split('\n').sort();
    t.same(ran, hosts.slice(0, used).sort(), `${step}: each command ran once`);
  }
  const lines: string[] = [];
  const tell = (line: string) => void lines.push(line);
  const status = await rigel(['verify'], { RIGEL_DATA_DIR: dataDir }, { out: tell, note: tell });
  t.equal(status, 0, lines.join('\n'));
  t.same(await natsRefusals(dataDir), [], 'NATS refused nothing');
});

function connectAs(participant: Participant): Promise<Bus> {
  return Bus.connect({
    url: cluster.url,
    name: `test-${participant}`,
    log: silentLogger,
    participant,
    credentials: {
      user: participant,
      passwordFile: join(dataDir, 'secured', 'nats', `${participant}.password`),
    },
    tls: { caFile: cluster.caFile },
  });
}

t.test(
  'the autoscaler reads how many offers of each kind wait, also from two of three servers',
  async (t) => {
    // The stream that the system has made stays; nobody takes from it any more.
    await rig.stack.stop();
    const { triggers, advanced } = findManifest(manifests, 'ScaledObject', 'executor').spec as {
      triggers: { name: string; type: string; metadata: JetStreamTrigger }[];
      advanced: { scalingModifiers: { formula: string } };
    };
    t.same(
      advanced.scalingModifiers.formula.split(' + '),
      triggers.map(({ name }) => name),
      'all of them are added up',
    );
    const depths = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        await Promise.all(
          triggers.map(async ({ name, metadata }) => [name, await depthByKeda(metadata, cluster.monitor)]),
        ),
      );

    const scheduler = await connectAs('scheduler');
    t.teardown(() => scheduler.close());
    const offered: Record<string, number> = { ssh: 3, vm: 2, sd: 1 };
    t.same(await waitFor(() => depths().catch(() => undefined), { what: 'the depth can be read' }), {
      ssh: 0,
      vm: 0,
      sd: 0,
    });
    const queue = new WorkQueue(scheduler, silentLogger, Number(cluster.workReplicas));
    for (const [capability, count] of Object.entries(offered)) {
      const offers = Array.from(
        { length: count },
        (_, index): WorkOffer => ({ task_id: 1, run_id: index + 1 }),
      );
      await queue.offer(capability as Capability, offers, { repeated: false });
    }
    t.same(await depths(), offered, 'what nobody has taken');

    const executor = await connectAs('executor');
    t.teardown(() => executor.close());
    const stop = new AbortController();
    let taken = 0;
    const taking = Object.keys(offered).map((capability) =>
      new WorkQueue(executor, silentLogger).consume(capability as Capability, {
        freeSlots: () => 10,
        slotFreed: async () => undefined,
        handler: async () => void taken++,
        signal: stop.signal,
      }),
    );
    t.teardown(() => stop.abort());
    await waitFor(async () => Object.values(await depths()).every((depth) => depth === 0), {
      what: 'what was taken is not counted any more',
      timeoutMs: 60_000,
    });
    t.equal(taken, 6);
    stop.abort();
    await Promise.all(taking);
  },
);

t.test('whoever is no server of the cluster does not become one', async (t) => {
  const authority = await ensureAuthority(join(dataDir, 'secured'));
  const ca = authority.cert;
  const { routePort } = await aliveMember();
  const server = await issueLoopbackCertificate(authority, { client: true });
  t.equal(await routeAnswer(routePort, { ...server, ca }), 'PONG', 'taken with the name of a server');
  const client = await issueLoopbackCertificate(authority, { name: 'executor', client: true });
  t.match(
    await routeAnswer(routePort, { ...client, ca }),
    /Authorization Violation/,
    'refused with a certificate of the same authority for somebody else',
  );
  t.match(await routeAnswer(routePort, { ca }), /certificate/, 'refused with none');
});

async function aliveMember(): Promise<NatsMember> {
  for (const each of cluster.members) {
    const alive = await cluster.monitor(`http://${each.host}:8222/varz`).catch(() => undefined);
    if (alive) return each;
  }
  throw new Error('all servers are down');
}

/** What a server says to somebody who connects as a server: the error, or PONG, when it is content. */
async function routeAnswer(port: number, tls: { ca: string; cert?: string; key?: string }): Promise<string> {
  const socket = connect({ host: 'localhost', port, ...tls });
  try {
    return await new Promise<string>((resolve) => {
      let received = '';
      socket.on('secureConnect', () => {
        socket.write(
          'CONNECT {"verbose":false,"pedantic":false,"name":"stranger","cluster":"rigel"}\r\nPING\r\n',
        );
      });
      socket.on('data', (chunk) => {
        received += chunk;
        const answer = /^(-ERR .*|PONG)\r$/m.exec(received);
        if (answer) resolve(answer[1] as string);
      });
      socket.on('error', (error) => resolve(error.message));
      socket.on('close', () => resolve('closed'));
    });
  } finally {
    socket.destroy();
  }
}
