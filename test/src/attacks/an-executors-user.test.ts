import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlSubject, HEARTBEAT_SUBJECT, newExecutor, partitionOf, workSubject } from '@rigel/contracts';
import { waitFor } from '@rigel/testing';
import { connect, type NatsConnection } from 'nats';
import t from 'tap';
import { Fleet, loopbackNodes } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

/*
 * The attacker holds the NATS user of the executors, as whoever breaks into the machine of one does: its password, and so all that the server
 * lets executors publish and hear. They do not hold what is in the memory of the other executors, nor the SSH key, which stands elsewhere.
 * They are after the runs of the others: to say how these end, to stop them, to hear what they do where, and to be taken for a node.
 *
 * A task runs on three nodes while they try all of it, and its commands end only afterwards.
 */

const NODES = 3;
const WORD = 'hush-parameter';
const COMMAND_WORD = 'hush-command';
const HOST_KEY = `ssh-ed25519 ${'A'.repeat(68)}`;

const rig = await startRig({ secured: true, executors: 2 });
t.teardown(() => rig.stop());
const nats = await connectAs('executor');
t.teardown(() => nats.close());
const own = newExecutor('attacker');

async function connectAs(user: string): Promise<NatsConnection> {
  const password = join(rig.dataDir, 'secured', 'nats', `${user}.password`);
  return connect({
    servers: rig.stack.natsUrl,
    user,
    pass: await readFile(password, 'utf8'),
    tls: { caFile: rig.stack.caFile as string },
    inboxPrefix: `_INBOX.${user}`,
    reconnect: false,
  });
}

/** What the server refuses of this connection: subjects. */
const refused: string[] = [];
void (async () => {
  for await (const { type, permissionContext } of nats.status() as AsyncIterable<{
    type: string;
    permissionContext?: { subject: string };
  }>) {
    if (type === 'error' && permissionContext) refused.push(permissionContext.subject);
  }
})();

/** All that is heard where executors hear something. */
const heard: { subject: string; text: string }[] = [];
for (const subject of [
  '_INBOX.executor.>',
  'rigel.executor.*.control',
  'rigel.offer.*',
  'rigel.body.executor.*',
]) {
  nats.subscribe(subject, {
    callback: (_, { subject, data }) => {
      heard.push({ subject, text: Buffer.from(data).toString('latin1') });
    },
  });
}
await nats.flush();

interface Reply {
  ok?: { status?: string; reason?: string; lease?: number; uuid?: string; node?: { ip: string } };
  error?: { code: string; message: string };
}

/** Asks the owner of a task as an executor of any release could, many things in one message. */
async function ask(taskId: number, operation: string, requests: object[], reply?: string): Promise<Reply[]> {
  const envelopes = requests.map((d) => ({ c: 'attack', a: own.name, d }));
  const subject = `rigel.scheduler.${partitionOf(taskId)}.${operation}`;
  const message = JSON.stringify(envelopes);
  if (reply !== undefined) {
    nats.publish(subject, message, { reply });
    return [];
  }
  return (await nats.request(subject, message, { timeout: 20_000 })).json() as Reply[];
}

const fleet = new Fleet(rig.api);
const nodes = loopbackNodes(NODES, rig.sshd.port);
await fleet.pool(nodes);
const template = await fleet.template({
  work: {
    command: `: ${COMMAND_WORD}; echo {{word}}; set -- $SSH_CONNECTION; echo "$3" >> ran; while [ ! -e go ]; do sleep 0.2; done`,
    params: { word: 'string' },
    values: { word: WORD },
  },
});
const id = await fleet.startTask(template, nodes);
const runs = await waitFor(
  async () => {
    const ran = await readFile(join(rig.sshd.home, 'ran'), 'utf8').catch(() => '');
    return ran.trim().split('\n').length === NODES && rig.api.detail(id);
  },
  { what: 'the commands run', timeoutMs: 60_000 },
);
/** All that was heard until now is of the system; from here on the attacker's own answers are among it. */
const overheard = [...heard];

const attempt = { step: 0, attempt: 1 };
const success = { status: 'succeeded', reason: '', started_at: 1, finished_at: 2 };
const output = { offset: 0, data: Buffer.from('forged').toString('base64') };

/** What the attacker can show beside a lease: the task's uuid it gets by asking for the plan, a key it makes. */
async function shown(): Promise<object[]> {
  const subject = `rigel.scheduler.${partitionOf(id)}.plan`;
  const request = JSON.stringify({ c: 'attack', a: own.name, d: { task_id: id } });
  const { ok } = (await nats.request(subject, request, { timeout: 20_000 })).json() as Reply;
  if (typeof ok?.uuid !== 'string') throw new Error('no plan');
  const { uuid } = ok;
  return [{}, { uuid }, { key: own.key }, { key: own.key, uuid }];
}

/** Every lease that could be the run's, with all that can be shown. */
async function guesses(run: number): Promise<object[]> {
  const all = await shown();
  return Array.from({ length: 50 }, (_, n) => n + 1).flatMap((lease) =>
    all.map((show) => ({ task_id: id, run_id: run, lease, ...show })),
  );
}

interface Why {
  nodes: { run_id: number; chain: unknown }[];
}

/** Who has a run, which an attacker may know. */
async function holderOf(run: number): Promise<string> {
  const { data } = await rig.api.call<Why>(`/task/${id}/why`, undefined, 'GET');
  const chain = JSON.stringify(data.nodes.find(({ run_id }) => run_id === run));
  const holder = /executor (\S+) has it \(lease 1,/.exec(chain)?.[1];
  if (holder === undefined) throw new Error(chain);
  return holder;
}

const claimOf = (run: number): object => ({
  task_id: id,
  run_id: run,
  executor: own.name,
  key: own.key,
  capabilities: ['ssh'],
});

t.test(
  'An executor cannot report how the run of another one ended, nor pin a host key with it',
  async (t) => {
    for (const run of runs) {
      const reports = (await guesses(run.id)).map((leased) => ({
        ...leased,
        ...attempt,
        result: success,
        output,
        host_key: HOST_KEY,
        capabilities: [],
      }));
      const answers = await ask(id, 'report', reports);
      t.equal(answers.length, reports.length);
      t.same(
        answers.filter(({ ok }) => ok?.status !== 'refused'),
        [],
      );
    }
  },
);

t.test('An executor cannot hand back, send output for, or place the run of another one', async (t) => {
  for (const run of runs) {
    const leased = await guesses(run.id);
    const placement = { folder: '/tmp/forged', boot_id: 'forged', memory: true };
    await ask(id, 'hand_back', leased);
    const outputs = await ask(
      id,
      'output',
      leased.map((one) => ({ ...one, ...attempt, output })),
    );
    const places = await ask(
      id,
      'place',
      leased.map((one) => ({ ...one, ...attempt, placement, why: 'forged' })),
    );
    t.same(
      [...outputs, ...places].filter(({ ok, error }) => !error && ok?.status !== 'refused'),
      [],
    );
    t.match(await holderOf(run.id), /^executor-[12]-[a-z2-7]{26}$/, 'it is held as before');
  }
});

t.test(
  'An executor cannot claim or speak in the name of another one, and so not have it told to let go',
  async (t) => {
    const run = runs[0]?.id as number;
    const holder = await holderOf(run);
    const claim = { task_id: id, run_id: run, executor: holder, capabilities: ['ssh'] };
    const answers = await ask(id, 'claim', [claim, { ...claim, key: own.key }]);
    t.match(answers, [{ ok: { status: 'refused' } }, { ok: { status: 'refused' } }]);
    for (const key of [undefined, own.key])
      for (let lease = 1; lease <= 3; lease++)
        nats.publish(
          HEARTBEAT_SUBJECT,
          JSON.stringify({
            executor: holder,
            key,
            leases: [[id, run, lease]],
            tasks: [[id, '00000000-0000-4000-8000-000000000000']],
            capabilities: [],
            free_slots: 0,
            waiting: [[run, 'a forged wait', 1]],
          }),
        );
    await nats.flush();
    // Answered after the heartbeats, which came over the same connection.
    t.match(await ask(id, 'claim', [claimOf(run)]), [{ ok: { status: 'refused' } }]);
    await nats.flush();
    t.same(
      heard.filter(({ subject }) => subject === controlSubject(holder)),
      [],
    );
    const why = await rig.api.call(`/task/${id}/why`, undefined, 'GET');
    t.notMatch(JSON.stringify(why), /a forged wait/);
  },
);

t.test('An executor cannot tell another one to stop, nor answer in the place of a scheduler', async (t) => {
  const run = runs[0]?.id as number;
  const control = controlSubject(await holderOf(run));
  const leases = [{ task_id: id, run_id: run, lease: 1, why: 'stop' }];
  const inbox = overheard.find(({ subject }) => subject.startsWith('_INBOX.executor.'))?.subject as string;
  const published = [control, inbox, workSubject('ssh'), 'rigel.offer.ssh', 'rigel.scheduler.taken'];
  for (const subject of published) nats.publish(subject, JSON.stringify({ leases }));
  const listened = ['claim', 'plan', 'report', 'place', 'output', 'hand_back'].map(
    (operation) => `rigel.scheduler.*.${operation}`,
  );
  listened.push(HEARTBEAT_SUBJECT, 'rigel.body.scheduler.*');
  for (const subject of listened) nats.subscribe(subject, { callback: () => undefined });
  await nats.flush();
  await waitFor(async () => [...published, ...listened].every((subject) => refused.includes(subject)), {
    what: 'NATS refuses each',
  });
  t.pass('refused by NATS');
});

t.test(
  'An executor hears where others get their answers, and learns neither command nor parameter, address or task',
  async (t) => {
    const answers = overheard.filter(({ subject }) => subject.startsWith('_INBOX.executor.'));
    // Of three claims together at the least one answer, beside those of the queue of work.
    const sealed = answers.filter(({ text }) => text.charCodeAt(0) === 1);
    t.ok(sealed.length > 0, `${answers.length} messages were heard, ${sealed.length} of them sealed`);
    const all = overheard.map(({ text }) => text).join('\n');
    const { uuid } = (await shown())[1] as { uuid: string };
    const secrets = [
      WORD,
      COMMAND_WORD,
      'SSH_CONNECTION',
      ...nodes.map((node) => node.split(':')[0] as string),
    ];
    for (const secret of [...secrets, uuid, '"granted"', '"lease"', '"steps"'])
      t.notOk(all.includes(secret), secret);
  },
);

/**
 * Has the scheduler answer the attacker's claims where the other executors wait for answers to their next requests.
 * @returns what ends it
 */
function answerForOthers(): () => Promise<number> {
  const last = new Map<string, number>();
  for (const { subject } of heard) {
    const [, inbox, number] = /^(_INBOX\.executor\.[A-Za-z0-9]{22})\.([0-9a-z]{1,6})$/.exec(subject) ?? [];
    if (inbox !== undefined)
      last.set(inbox, Math.max(last.get(inbox) ?? 0, Number.parseInt(number as string, 36)));
  }
  const claim = claimOf(runs[0]?.id as number);
  let going = true;
  const sending = (async () => {
    let sent = 0;
    while (going) {
      for (const [inbox, number] of last)
        for (let next = number + 1; next <= number + NODES; next++, sent++)
          await ask(id, 'claim', [claim], `${inbox}.${next.toString(36)}`);
      await nats.flush();
      // Meant to be taken for answers, not to keep the scheduler busy.
      await sleep(20);
    }
    return sent;
  })();
  return () => {
    going = false;
    return sending;
  };
}

t.test(
  'After all of it, and while answers are sent to them, the runs of the others end as their commands do, under their first leases',
  async (t) => {
    const end = answerForOthers();
    await writeFile(join(rig.sshd.home, 'go'), '');
    t.match(await fleet.ended(id), { state: 2, end_reason: 'completed', stat: [0, 0, NODES, 0, 0] });
    t.ok((await end()) > 0, 'meanwhile they were sent answers to requests that they did not make');
    const ran = (await readFile(join(rig.sshd.home, 'ran'), 'utf8')).trim().split('\n');
    t.same(ran.sort(), nodes.map((node) => node.split(':')[0]).sort());
    const log = JSON.stringify(await rig.api.log(id));
    t.notMatch(log, /takes over|handed to another|home folder there is full/);
    for (const run of runs) {
      const shown = JSON.stringify(await rig.api.nodeLog(run.id));
      t.match(shown, WORD);
      t.notMatch(shown, /forged/);
    }
  },
);

t.test('The nodes are known by the host key that they showed, and work goes on there', async (t) => {
  const next = await fleet.startTask(template, nodes);
  t.match(await fleet.ended(next), { state: 2, end_reason: 'completed' });
});

t.test('People are told that somebody speaks for an executor', async (t) => {
  const log = await readFile(join(rig.dataDir, 'logs', 'scheduler.log'), 'utf8');
  t.match(log, /refused a message that named executor executor-[12]-[a-z2-7]{26} without its key/);
  t.notMatch(log, own.key);
});
