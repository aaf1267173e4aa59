import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  bodySubject,
  controlSubject,
  directOfferSubject,
  eventsSubject,
  execution,
  HEARTBEAT_SUBJECT,
  inventory,
  outputStoredSubject,
  PARTITIONS_TAKEN_SUBJECT,
  type Participant,
  permissionsOf,
  type Rpc,
  SCHEDULE_SAVED_SUBJECT,
  TASK_CREATED_SUBJECT,
  tasks,
  WORK_STREAM,
} from '@rigel/contracts';
import { connect, ErrorCode, type NatsConnection, NatsError } from 'nats';
import t, { type Test } from 'tap';
import { type Rig, startRig } from '../support/rig.js';

/*
 * The attacker has taken over one service, and so has its user at NATS: the catalog's, the inventory's or the access service's, on a
 * system that runs with the users and permissions of production. What that service is for, the attacker can do. What they cannot is
 * anything in the name of another service, neither by their own messages nor by having another one send them.
 */

type Taken = Extract<Participant, 'catalog' | 'inventory' | 'access'>;
const TAKEN: readonly Taken[] = ['catalog', 'inventory', 'access'];

/** What the server's refusals take at most to be handed out by the client. */
const HANDED_OUT_MS = 10_000;
const ANSWER_MS = 20_000;
/** As the kernel's table of sockets has it. */
const LISTENING = '0A';

let rig: Rig;
t.before(async () => {
  rig = await startRig({ secured: true, executors: 1 });
});
t.teardown(() => rig?.stop());

async function connectAs(t: Test, participant: Participant): Promise<NatsConnection> {
  const nats = await connect({
    servers: rig.stack.natsUrl,
    user: participant,
    pass: await readFile(join(rig.dataDir, 'secured', 'nats', `${participant}.password`), 'utf8'),
    tls: { caFile: rig.stack.caFile as string },
    inboxPrefix: `_INBOX.${participant}`,
    reconnect: false,
  });
  t.teardown(() => nats.close());
  return nats;
}

/** The subjects that the server lets them publish to, of those that they must not. */
async function publishable(t: Test, participant: Taken, subjects: readonly string[]): Promise<string[]> {
  const nats = await connectAs(t, participant);
  const refused = new Set<string>();
  void (async () => {
    for await (const { type, permissionContext } of nats.status() as AsyncIterable<{
      type: string;
      permissionContext?: { subject: string };
    }>) {
      if (type === 'error' && permissionContext) refused.add(permissionContext.subject);
    }
  })();
  for (const subject of subjects) nats.publish(subject, '{}');
  await nats.flush();
  const deadline = Date.now() + HANDED_OUT_MS;
  while (refused.size < new Set(subjects).size && Date.now() < deadline) await sleep(10);
  return subjects.filter((subject) => !refused.has(subject));
}

/** The subjects that the server lets them listen to, of those that they must not. */
async function audible(t: Test, participant: Taken, subjects: readonly string[]): Promise<string[]> {
  const nats = await connectAs(t, participant);
  const refused = new Set<string>();
  for (const subject of subjects) {
    nats.subscribe(subject, {
      callback: (error) => {
        if (error instanceof NatsError && error.code === ErrorCode.PermissionsViolation) refused.add(subject);
      },
    });
  }
  await nats.flush();
  const deadline = Date.now() + HANDED_OUT_MS;
  while (refused.size < new Set(subjects).size && Date.now() < deadline) await sleep(10);
  return subjects.filter((subject) => !refused.has(subject));
}

const subjectOf = ({ subject }: Rpc): string => subject.replace('{partition}', '3');

const CHANGES: readonly string[] = [
  'rigel.access.token.create',
  'rigel.access.token.create.once',
  'rigel.access.token.revoke',
  'rigel.access.audit.record',
  'rigel.catalog.template.update',
  'rigel.catalog.actimpl.update',
  'rigel.inventory.node.add',
  'rigel.inventory.node.remove',
  subjectOf(tasks.create),
  subjectOf(tasks.start),
  subjectOf(tasks.stop),
  'rigel.scheduler.3.control',
  ...Object.values(execution).map(subjectOf),
];

for (const taken of TAKEN) {
  t.test(
    `The ${taken}'s user cannot make a token, change what is another's, or start, report or stop anything`,
    async (t) => {
      const own = permissionsOf(taken).publish;
      t.same(
        await publishable(
          t,
          taken,
          CHANGES.filter((subject) => !own.includes(subject)),
        ),
        [],
      );
    },
  );

  t.test(
    `The ${taken}'s user cannot speak as an executor, a scheduler or the owner of another history`,
    async (t) => {
      const histories = (['inventory', 'catalog', 'scheduler', 'access'] as const).filter(
        (owner) => owner !== taken,
      );
      t.same(
        await publishable(t, taken, [
          HEARTBEAT_SUBJECT,
          PARTITIONS_TAKEN_SUBJECT,
          TASK_CREATED_SUBJECT,
          SCHEDULE_SAVED_SUBJECT,
          controlSubject('executor-1'),
          directOfferSubject('ssh'),
          'rigel.work.ssh',
          outputStoredSubject(1),
          ...histories.map(eventsSubject),
          '_INBOX.gateway.guessed',
          '_INBOX.scheduler.guessed.1',
        ]),
        [],
      );
    },
  );

  t.test(`The ${taken}'s user cannot answer in another's place, or overhear it`, async (t) => {
    t.same(
      await audible(t, taken, [
        ...CHANGES.filter((subject) => subject.split('.')[1] !== taken),
        '>',
        'rigel.>',
        'rigel.scheduler.>',
        'rigel.*.task.create',
        '_INBOX.>',
        '_INBOX.gateway.>',
        '_INBOX.executor.>',
        HEARTBEAT_SUBJECT,
        'rigel.work.*',
        bodySubject('gateway', '*'),
        bodySubject('scheduler', '*'),
        '$JS.API.>',
        '$SYS.>',
      ]),
      [],
    );
  });

  t.test(`The ${taken}'s user cannot delete, empty or change the queue of work`, async (t) => {
    t.same(
      await publishable(t, taken, [
        `$JS.API.STREAM.DELETE.${WORK_STREAM}`,
        `$JS.API.STREAM.PURGE.${WORK_STREAM}`,
        `$JS.API.STREAM.UPDATE.${WORK_STREAM}`,
        `$JS.API.STREAM.MSG.DELETE.${WORK_STREAM}`,
        `$JS.API.STREAM.MSG.GET.${WORK_STREAM}`,
        '$JS.API.STREAM.CREATE.MINE',
        `$JS.API.CONSUMER.DELETE.${WORK_STREAM}.ssh`,
        `$JS.API.CONSUMER.CREATE.${WORK_STREAM}.mine`,
        `$JS.API.CONSUMER.MSG.NEXT.${WORK_STREAM}.ssh`,
        '$SYS.REQ.SERVER.PING',
      ]),
      [],
    );
  });
}

/** What the inventory may ask of the scheduler: it is answered, whatever is wrong with it. */
const ASKED = subjectOf(tasks.reserveNodes);
const head = { c: 'attack', a: 'inventory' };
const request = JSON.stringify({ ...head, d: { node_ids: [], ttl_ms: 1_000 } });

async function ask(nats: NatsConnection, message: string | Uint8Array): Promise<unknown> {
  return (await nats.request(ASKED, message, { timeout: ANSWER_MS })).json();
}

t.test('The scheduler says nothing in its own name where somebody wants their answer', async (t) => {
  const attacker = await connectAs(t, 'inventory');
  const executor = await connectAs(t, 'executor');
  let heard = 0;
  executor.subscribe(controlSubject('executor-1'), { callback: () => heard++ });
  await executor.flush();
  for (const reply of [
    `$JS.API.STREAM.DELETE.${WORK_STREAM}`,
    `$JS.API.STREAM.PURGE.${WORK_STREAM}`,
    `$JS.API.CONSUMER.DELETE.${WORK_STREAM}.ssh`,
    'rigel.access.token.create',
    controlSubject('executor-1'),
    HEARTBEAT_SUBJECT,
    eventsSubject('scheduler'),
  ])
    attacker.publish(ASKED, request, { reply });
  t.match(await ask(attacker, request), { ok: {} }, 'what is asked properly is answered');
  const scheduler = await connectAs(t, 'scheduler');
  const manager = await scheduler.jetstreamManager({ checkAPI: false });
  t.match(await manager.streams.info(WORK_STREAM), { config: { name: WORK_STREAM } });
  await executor.flush();
  t.equal(heard, 0, 'no executor is told anything');
  const { consumers } = (await executor.jetstreamManager({ checkAPI: false })) as {
    consumers: typeof manager.consumers;
  };
  t.match(await consumers.info(WORK_STREAM, 'ssh'), { name: 'ssh' });
});

t.test(
  'The scheduler fetches a large request from where large requests are kept, and nowhere else',
  async (t) => {
    const attacker = await connectAs(t, 'inventory');
    const executor = await connectAs(t, 'executor');
    let heard = 0;
    executor.subscribe(controlSubject('executor-1'), { callback: () => heard++ });
    await executor.flush();
    for (const inbox of [
      controlSubject('executor-1'),
      `$JS.API.STREAM.DELETE.${WORK_STREAM}`,
      subjectOf(inventory.removeNodes),
      '_INBOX.gateway.guessed',
      `${bodySubject('inventory', '0'.repeat(32))}.more`,
    ]) {
      t.match(await ask(attacker, JSON.stringify({ ...head, ref: { inbox, chunks: 1 } })), {
        error: { code: 'invalid', message: /^ref.inbox/ },
      });
    }
    await executor.flush();
    t.equal(heard, 0);
  },
);

t.test('The scheduler does not fetch four billion chunks, or chunks without end', async (t) => {
  const attacker = await connectAs(t, 'inventory');
  const inbox = bodySubject('inventory', '0'.repeat(32));
  let asked = 0;
  const chunk = new Uint8Array(500_000).fill(0x20);
  attacker.subscribe(inbox, {
    callback: (_, message) => {
      asked++;
      message.respond(chunk);
    },
  });
  await attacker.flush();
  const refusal = { error: { code: 'invalid', message: /too large/ } };
  t.match(await ask(attacker, JSON.stringify({ ...head, ref: { inbox, chunks: 4_294_967_295 } })), refusal);
  t.equal(asked, 0);
  t.match(await ask(attacker, JSON.stringify({ ...head, ref: { inbox, chunks: 250 } })), refusal);
  t.equal(asked, 1, 'the first one tells how large it would be');
});

t.test(
  '250,000 empty requests in a message, again and again, get one answer each, and others get theirs',
  async (t) => {
    const attacker = await connectAs(t, 'inventory');
    const message = `[${'{},'.repeat(249_999)}{}]`;
    const attacks = Array.from({ length: 20 }, () => ask(attacker, message));
    for (let round = 0; round < 10; round++) t.match(await rig.api.call('/task/list'), { status: 200 });
    for (const answer of await Promise.all(attacks))
      t.match(answer, { error: { code: 'invalid', message: /more than 500/ } });
  },
);

t.test('Requests without form are refused one by one, and the scheduler goes on', async (t) => {
  const attacker = await connectAs(t, 'inventory');
  for (const message of [
    '{',
    'null',
    '[]',
    `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
    JSON.stringify({ ...head, d: { node_ids: [1e308], ttl_ms: 1_000 } }),
    JSON.stringify({ ...head, d: { node_ids: [2 ** 53], ttl_ms: 1_000 } }),
    JSON.stringify({ ...head, a: 'nul\0', d: { node_ids: [], ttl_ms: 1_000 } }),
    JSON.stringify({ ...head, t: 'no trace', d: { node_ids: [], ttl_ms: 1_000 } }),
  ]) {
    const answer = await ask(attacker, message);
    t.notMatch(answer, { ok: {} }, message.slice(0, 60));
    t.notMatch(answer, { error: { code: 'internal' } }, message.slice(0, 60));
  }
  t.match(await ask(attacker, request), { ok: {} });
});

t.test('NATS tells nobody without a user who is connected: it listens for its clients alone', async (t) => {
  const { pid } = rig.stack.processes.find(({ name }) => name === 'nats') ?? {};
  t.ok(pid);
  t.same(await listeningPorts(pid as number), [Number(new URL(rig.stack.natsUrl).port)]);
});

/** TCP ports that a process listens on. */
async function listeningPorts(pid: number): Promise<number[]> {
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
  );
  const sockets = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const ports = new Set<number>();
  for (const line of tables.join('\n').split('\n')) {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    if (state === LISTENING && sockets.has(inode)) ports.add(Number.parseInt(local.split(':')[1] ?? '', 16));
  }
  return [...ports];
}
