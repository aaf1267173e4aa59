import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type Participant, WORK_STREAM } from '@rigel/contracts';
import { run as rigel } from '@rigel/database-cli';
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
 * on them while they die, the autoscaler's questions are asked, and who may become a server of the cluster is tried.
 */

const NODES = 60;
/** Nodes that the executors work on at once; the others' offers wait in the queue. */
const SLOTS = 20;
const EXECUTORS = 2;
/** Nodes of the task that are done only when the faults are over. */
const HELD = 10;

let manifests: Manifest[];
let dataDir: string;
let cluster: NatsCluster;
let rig: Rig;
t.before(async () => {
  manifests = await render(overlayFolder('production'));
  const folder = await mkdtemp(join(tmpdir(), 'rigel-nats-cluster-'));
  t.teardown(() => (process.env.KEEP ? console.error(folder) : rm(folder, { recursive: true, force: true })));
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
    executors: EXECUTORS,
    env: {
      scheduler: { RIGEL_WORK_REPLICAS: cluster.workReplicas },
      executor: {
        RIGEL_EXECUTOR_SLOTS: String(SLOTS / EXECUTORS),
        RIGEL_EXECUTOR_CAPABILITIES: 'ssh',
      },
    },
  });
  t.teardown(() => rig.stop());
});

interface Stream {
  name: string;
  state: { messages: number; last_seq: number };
  config: { num_replicas: number };
  cluster: {
    leader?: string;
    replicas?: { name: string; current: boolean; offline?: boolean; lag?: number }[];
  };
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

/** Waits until a server has all of the stream again, by the word of the leader. */
const hasCaughtUp = ({ name }: NatsMember) =>
  waitFor(
    async () => {
      const { replicas = [] } = (await workStream())?.cluster ?? {};
      return replicas.some((each) => each.name === name && each.current && !each.offline && !each.lag);
    },
    { what: `${name} has caught up`, timeoutMs: 60_000, intervalMs: 100 },
  );

const member = (test: (each: NatsMember) => boolean): NatsMember => {
  const found = cluster.members.find(test);
  if (!found) throw new Error('there is no such server');
  return found;
};

/** Offers that wait, by kind, as the autoscaler asks for them. */
async function depths(): Promise<Record<string, number>> {
  const { triggers, advanced } = findManifest(manifests, 'ScaledObject', 'executor').spec as {
    triggers: { name: string; metadata: JetStreamTrigger }[];
    advanced: { scalingModifiers: { formula: string } };
  };
  const names = triggers.map(({ name }) => name).join(' + ');
  if (advanced.scalingModifiers.formula !== names) throw new Error(`${names} are not added up`);
  const read = triggers.map(async ({ name, metadata }) => [
    name,
    await depthByKeda(metadata, cluster.monitor),
  ]);
  return Object.fromEntries(await Promise.all(read)) as Record<string, number>;
}

t.test('a task goes on while servers of the cluster die and lose their files', async (t) => {
  const { fleet, sshd } = rig;
  const hosts = loopbackHosts(NODES + 9);
  const address = (host: string) => `${host}:${sshd.port}`;
  await fleet.pool(hosts.map(address));
  const held = hosts.slice(NODES - HELD, NODES).join('|');
  const until = (file: string) => `until [ -e ${file} ]; do sleep 0.2; done`;
  const template = await fleet.template({
    first: { command: `set -- $SSH_CONNECTION; ${until('begun')}; sleep 0.5; echo "$3" >> first` },
    second: {
      command: `set -- $SSH_CONNECTION; case $3 in ${held}) ${until('calm')};; esac; echo "$3" >> second`,
    },
  });
  /** A task over the next three nodes, from its creation to its end. */
  let used = NODES;
  const another = async (what: string): Promise<void> => {
    // A request that was under way when its server died is answered when its time is up.
    await waitFor(async () => (await rig.api.call('/readyz', undefined, 'GET')).status === 200, {
      what: `the gateway reaches all: ${what}`,
      timeoutMs: 60_000,
    });
    const nodes = hosts.slice(used, used + 3).map(address);
    used += 3;
    const id = await fleet.startTask(template, nodes);
    t.match(await fleet.ended(id), { state: 2, stat: [0, 0, 3, 0, 0] }, what);
  };

  const id = await fleet.startTask(template, hosts.slice(0, NODES).map(address), { max_ratio: 100 });
  const made = await leading();
  t.equal(made.config.num_replicas, 3, 'all three servers keep the offers');
  await waitFor(async () => (await rig.api.task(id)).stat[1] === SLOTS, {
    what: 'the executors have taken all that they can',
    timeoutMs: 60_000,
  });

  const scheduler = await connectAs('scheduler');
  t.teardown(() => scheduler.close());
  const queue = new WorkQueue(scheduler, silentLogger, made.config.num_replicas);
  /** Offers of other kinds, for which there is no executor here. */
  const offer = (kind: 'vm' | 'sd', count: number) =>
    queue.offer(
      kind,
      Array.from({ length: count }, (_, run) => ({ task_id: 1, run_id: run + 1 })),
      { repeated: false },
    );
  await Promise.all([offer('vm', 2), offer('sd', 1)]);
  // More for ssh, where some were offered again because nobody could take them.
  const sees = ({ ssh = 0, vm, sd }: Record<string, number>) => ssh >= NODES - SLOTS && vm === 2 && sd === 1;
  t.ok(sees(await depths()), 'the autoscaler sees what waits');

  const first = member(({ name }) => name === made.cluster.leader);
  await first.end('SIGKILL');
  const next = await leading(first.name);
  t.ok(next.state.messages >= NODES - SLOTS, `${next.state.messages} offers are kept by the others`);
  const seen = await waitFor(depths, { what: 'the autoscaler has its figures', timeoutMs: 60_000 });
  t.ok(sees(seen), 'also from two servers');
  await writeFile(join(sshd.home, 'begun'), '');
  await another('new work with two of three servers');
  await first.start();
  await hasCaughtUp(first);

  const second = member(({ name }) => name !== first.name && name !== next.cluster.leader);
  await second.end('SIGKILL');
  await second.emptyStore();
  await second.start();
  await hasCaughtUp(second);

  await waitFor(async () => (await depths()).ssh === 0, {
    what: 'the autoscaler does not count what was taken',
    timeoutMs: 60_000,
  });

  const third = member(({ name }) => name !== first.name && name !== second.name);
  await third.end('SIGTERM');
  await leading(third.name);
  await another('new work on the two that had been down');

  await second.end('SIGKILL');
  await another('new work on the last one, whose JetStream has no majority');
  await second.start();

  await writeFile(join(sshd.home, 'calm'), '');
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
