import { startHostileNode } from '@rigel/remote-attempt/testing';
import t from 'tap';
import { loopbackNodes, uniqueName } from '../support/fleet.js';
import { startRig } from '../support/rig.js';

/*
 * The attacker is a node: an SSH server that the attacker has rebuilt as they like. It lets Rigel in, and then says whatever may
 * do harm: to the executor that talks with it, to the scheduler and its database, to whoever reads the reason. Or it is a throwaway machine
 * on the computer of an executor, whose commands look for what that was given.
 */

const PLANTED = 'planted-in-the-executor-7781';

const rig = await startRig({
  apart: true,
  fastDatabase: true,
  env: { executor: { RIGEL_SECRET_PLANTED: PLANTED }, scheduler: { RIGEL_RETRY_DELAY: '0' } },
});
t.teardown(() => rig.stop());
const { api, fleet, sshd } = rig;
const hostile = await startHostileNode({ answer: () => undefined });
t.teardown(() => hostile.stop());
const address = `127.0.0.1:${hostile.port}`;
const honest = loopbackNodes(1, sshd.port, 40);
await fleet.pool([address]);
await fleet.pool(honest);
const template = await fleet.template({
  act: { command: 'echo done' },
});

/**
 * Has the node answer with these lines whatever it is asked, but for the end of an attempt, of which it says that it came; then runs a
 * task on it.
 * @param times how often it does so, before it says that the command has failed.
 */
async function attack(lines: (string | Buffer)[], times = Number.POSITIVE_INFINITY) {
  let answers = 0;
  hostile.answers.answer = (script, say, channel) => {
    if (script.includes('never_started')) say('stopped');
    else if (answers++ < times) for (const line of lines) say(line);
    else say('end exit 7 0 0');
    channel.exit(0);
    channel.end();
  };
  const id = await fleet.startTask(template, [address]);
  const task = await fleet.ended(id);
  const [run] = await api.detail(id);
  return { task, message: run?.steps.list[0]?.message ?? '' };
}

/** Others go on: a task on an honest node reaches its end, and the API answers. */
async function othersGoOn(): Promise<number> {
  const id = await fleet.startTask(template, honest);
  return (await fleet.ended(id)).state;
}

t.test('A node cannot stop others, or forge a success, by an end that nobody understands', async (t) => {
  for (const line of [
    'end unknown bad\0reason - 0',
    'end exit abc 0 0',
    'end exit 1.5 0 0',
    'end exit -1 0 0',
    'end exit 99999999999999999999999 0 0',
    'end exit 0 0 99999999999999999999999',
    'end unknown \u001b]0;owned\u0007\u001b[2J - 0',
    'end exit 0 0 0 0\r',
    Buffer.from('end unknown \xff\xfe\x80 - 0', 'latin1'),
  ]) {
    const { task, message } = await attack([line, 'next']);
    const what = JSON.stringify(line.toString('latin1'));
    t.equal(task.state, 3, `${what}: the task has failed`);
    t.match(message, /the outcome is unknown/, what);
    t.notMatch(message, /[\p{Cc}\u202e]/u, `${what}: its reason is plain`);
  }
  t.equal(await othersGoOn(), 2);
});

t.test(
  'A node cannot fill the memory of an executor by a line without an end, or by a reason of 3 MB',
  async (t) => {
    const { task, message } = await attack([`end unknown ${'x'.repeat(3_000_000)} - 0`], 1);
    t.equal(task.state, 3);
    t.ok(message.length < 1_000, message.slice(0, 200));
    t.equal(await othersGoOn(), 2);
  },
);

t.test('A node cannot put output where no file ends', async (t) => {
  const { task, message } = await attack(['out 9007199254740993', 'end exit 0 0 9007199254740993', 'next']);
  t.equal(task.state, 3);
  t.match(message, /the outcome is unknown: the node's answer is not understood: out 9007199254740993/);
  t.equal(await othersGoOn(), 2);
});

t.test('A node cannot keep an executor at work by asking for the same again and again', async (t) => {
  hostile.answers.answer = (script, say, channel) => {
    say(script.includes('never_started') ? 'never_started' : 'leader');
    channel.exit(0);
    channel.end();
  };
  const id = await fleet.startTask(template, [address]);
  t.equal((await fleet.ended(id)).state, 3);
});

t.test('A throwaway machine cannot see what its executor was given', async (t) => {
  const name = uniqueName('look');
  const actionId = await api.ok<number>('/action/create', { name, desc: '', params: {} });
  const look = [
    'env',
    'p=$$',
    'while [ "$p" -gt 1 ]; do',
    `  echo "== $(tr '\\0' ' ' <"/proc/$p/cmdline")"`,
    `  tr '\\0' '\\n' <"/proc/$p/environ"`,
    `  p=$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' "/proc/$p/stat")`,
    'done',
  ].join('\n');
  await api.ok('/actimpl/create', {
    type: 'ansible',
    action_id: actionId,
    template: { action: { module: 'longscript', content: look } },
  });
  await api.ok('/remote_step/create', { name, desc: '', actions: [name] });
  const retry = { retry_times: 0, ignore_error: false };
  const machine = (step: string) => ({ name: step, param_values: { vm_type_id: 1 }, retry });
  const templateId = await api.ok<number>('/task_tpl/create', {
    name,
    desc: '',
    steps: [machine('create_vm'), { name, param_values: {}, retry }, machine('return_vm')],
  });
  const nodes = loopbackNodes(1, 1, 41);
  await fleet.pool(nodes);
  const id = await fleet.startTask(templateId, nodes);
  t.equal((await fleet.ended(id)).state, 2, JSON.stringify(await api.detail(id)));
  const [run] = await api.detail(id);
  const printed = (await api.nodeLog(run?.id ?? 0)).map(([, text]) => text).join('\n');
  t.match(printed, /== \S*node .*services\/executor\/dist\/main\.js/, 'the executor is among its parents');
  t.notMatch(printed, PLANTED);
  const given = Object.entries(rig.environment('executor-1')).filter(
    ([variable, value]) =>
      /PASSWORD|SECRET|TOKEN/.test(variable) && value.length > 3 && !value.startsWith('/'),
  );
  t.ok(given.length > 0, 'there is something to be found');
  for (const [variable, value] of given) t.notOk(printed.includes(value), `${variable} is not seen`);
});
