import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import t, { type Test } from 'tap';
import { uniqueName } from '../support/fleet.js';
import { type Rig, startRig } from '../support/rig.js';

const TASK_MS = 120_000;
const onLinux = process.platform === 'linux' ? false : 'needs loopback addresses';
const retry = { retry_times: 0, ignore_error: false };

interface Occurrence {
  outcome: string;
  reason: string;
  task_ids: number[];
  item: { instance_num: number };
}

/** A step that runs a command line on the node. */
async function remoteStep({ api }: Rig, label: string, args: string): Promise<string> {
  const name = uniqueName(label);
  const action = await api.ok<number>('/action/create', { name, desc: '', params: {} });
  const template = { action: { module: 'shell', args } };
  await api.ok('/actimpl/create', { type: 'ansible', action_id: action, template });
  await api.ok('/remote_step/create', { name, desc: '', actions: [name] });
  return name;
}

/** Makes pools of one service, which grow by a machine and a step, and shrink by giving machines back. */
async function poolMaker({ api }: Rig): Promise<(step: string) => Promise<number>> {
  const cluster_id = await api.ok<number>('/cluster/create', { name: uniqueName('c'), desc: '', biz: '' });
  const service = { name: uniqueName('s'), desc: '', service_type: '', docker_image: '-', cluster_id };
  const { id: service_id } = await api.ok<{ id: number }>('/service/create', service);
  const template = (...names: string[]) =>
    api.ok<number>('/task_tpl/create', {
      name: uniqueName('t'),
      desc: '',
      steps: names.map((name) => ({ name, param_values: { vm_type_id: 1 }, retry })),
    });
  return async (step) => {
    const tasks = { expand: await template('create_vm', step), shrink: await template('return_vm') };
    const pool = { name: uniqueName('p'), desc: '', vm_type: 1, sd_id: 0, service_id, tasks };
    return (await api.ok<{ id: number }>('/pool/create', pool)).id;
  };
}

t.test(
  'pool B follows pool A: it waits where it is to wait, and failures release it',
  { skip: onLinux },
  async (t) => {
    const signs = await mkdtemp(join(tmpdir(), 'rigel-follow-'));
    t.teardown(() => rm(signs, { recursive: true, force: true }));
    const rig = await startRig({ apart: true, schedulers: 2, fastDatabase: false });
    t.teardown(() => rig.stop());
    const { api, fleet, stack, machines } = rig;
    const [go, broken, begun] = ['go', 'broken', 'begun'].map((name) => join(signs, name)) as [
      string,
      string,
      string,
    ];
    // The other pool's nodes come through when there is the sign for it.
    const prepare = await remoteStep(
      rig,
      'prepare',
      `until [ -e ${go} ]; do [ ! -e ${broken} ] || exit 3; sleep 0.2; done`,
    );
    const makePool = await poolMaker(rig);
    const other = await makePool(prepare);
    const own = await makePool(await remoteStep(rig, 'finish', `echo >> ${begun}`));

    const size = async (pool: number): Promise<number> =>
      (await api.ok<unknown[]>(`/pool/${pool}/list_nodes`, { page_size: 1000 })).length;
    /** Sets how many nodes the pool shall have. @returns the tasks in it and in the one that it depends on. */
    const set = async (instance_num: number): Promise<{ ownTask: number; otherTask: number }> => {
      const item = { concurr_ratio: 0, concurr_num: 0, week_day: 0, time: '04:00', ignore: 0 };
      await api.ok('/task/saveTask', {
        id: 0,
        pool_id: own,
        type: 'expand',
        exec_type: 'crontab',
        cron_itmes: [{ ...item, instance_num }],
        depend_itmes: [{ pool_id: other, ratio: 0.5, elastic_count: 2, step_name: prepare, ignore: 0 }],
      });
      const [schedule] = await api.ok<{ id: number }[]>(`/task/expandList/${own}`);
      const made = await waitFor(
        async () => {
          const path = `/schedule/${schedule?.id}/occurrences`;
          const { occurrences } = await api.ok<{ occurrences: Occurrence[] }>(path);
          return occurrences.find(
            ({ item, task_ids }) => item.instance_num === instance_num && task_ids.length > 0,
          );
        },
        { what: `${instance_num} nodes are set`, timeoutMs: TASK_MS },
      );
      const tasks = await Promise.all(
        made.task_ids.map(async (id) => ({ id, pool: (await api.task(id)).pool_id })),
      );
      const taskIn = (pool: number): number => tasks.find((task) => task.pool === pool)?.id ?? 0;
      return { ownTask: taskIn(own), otherTask: taskIn(other) };
    };
    const messages = async (task: number) =>
      (await api.detail(task)).map(({ steps }) => steps.list[1]?.message ?? '');
    /** Waits until all nodes of a task wait for another one. */
    const allWait = (task: number, forTask: number): Promise<unknown> =>
      waitFor(
        async () => {
          const all = await messages(task);
          return all.every(
            (message) => message.startsWith('waits for pool') && message.includes(`task ${forTask}`),
          );
        },
        { what: `the nodes of task ${task} wait`, timeoutMs: TASK_MS },
      );
    const waitsTold = async (task: number): Promise<number> =>
      (await api.log(task)).filter(({ message }) => message.startsWith('nodes wait before')).length;

    await t.test(
      'growing: before the last step, whichever scheduler is killed meanwhile',
      async (t: Test) => {
        const { ownTask, otherTask } = await set(4);
        await allWait(ownTask, otherTask);
        t.strictSame([await size(own), await size(other)], [4, 4], 'half of them, and two to spare');
        for (const name of ['scheduler-1', 'scheduler-2']) stack.kill(name, 'SIGKILL');
        await waitFor(() => api.task(ownTask).catch(() => undefined), {
          what: 'the API answers',
          timeoutMs: 30_000,
        });
        await allWait(ownTask, otherTask);
        t.notOk(existsSync(begun), 'none has begun its last step');
        t.equal(await waitsTold(ownTask), 1);
        await writeFile(go, '');
        t.match(await fleet.ended(otherTask, TASK_MS), { state: 2, stat: [0, 0, 4, 0, 0] });
        t.match(await fleet.ended(ownTask, TASK_MS), { state: 2, stat: [0, 0, 4, 0, 0] });
        t.ok(existsSync(begun));
      },
    );

    await t.test(
      'a node of the other pool fails: those that wait fail with that reason, and can go on',
      async (t: Test) => {
        await rm(go);
        const { ownTask, otherTask } = await set(6);
        await allWait(ownTask, otherTask);
        await writeFile(broken, '');
        t.match(await fleet.ended(otherTask, TASK_MS), { state: 3, stat: [0, 0, 0, 1, 0] });
        t.match(await fleet.ended(ownTask, TASK_MS), { state: 3, stat: [0, 0, 0, 2, 0] });
        for (const message of await messages(ownTask)) {
          t.match(message, new RegExp(`task ${otherTask}. has not passed ${prepare}: 1 of its nodes failed`));
        }
        await rm(broken);
        await writeFile(go, '');
        await api.ok(`/task/start/${otherTask}`);
        t.match(await fleet.ended(otherTask, TASK_MS), { state: 2 });
        await api.ok(`/task/start/${ownTask}`);
        t.match(await fleet.ended(ownTask, TASK_MS), { state: 2, stat: [0, 0, 2, 0, 0] });
      },
    );

    await t.test(
      'shrinking: after the other pool has; and no pool that is needed can be deleted',
      async (t: Test) => {
        const { ownTask, otherTask } = await set(1);
        t.match(await fleet.ended(ownTask, TASK_MS), { state: 2, stat: [0, 0, 5, 0, 0] });
        t.match(await api.task(otherTask), { state: 2, stat: [0, 0, 2, 0, 0] });
        t.equal(await waitsTold(ownTask), 1);
        const begins = async (task: number, what: RegExp): Promise<number[]> =>
          (await api.log(task)).flatMap(({ message, ctime }) => (what.test(message) ? [ctime] : []));
        const returned = await begins(otherTask, /was given back/);
        const first = await begins(ownTask, /return_vm attempt 1 started/);
        t.ok(Math.min(...first) >= Math.max(...returned), 'none began before the last one had gone');
        await waitFor(async () => (await size(own)) + (await size(other)) === 4, {
          what: 'the inventory has followed',
        });
        t.equal((await machines.list()).length, 4);

        const empty = await makePool(prepare);
        const item = { pool_id: empty, ratio: 1, elastic_count: 0, step_name: prepare, ignore: 1 };
        const save = (depend_itmes: object[]) =>
          api.ok('/task/saveTask', {
            id: 0,
            pool_id: other,
            type: 'expand',
            exec_type: 'depend',
            cron_itmes: [],
            depend_itmes,
          });
        await save([item]);
        t.match(await api.call(`/pool/delete/${empty}`), {
          code: 400,
          msg: `fail to delete pool: the scheduled task of pool ${other} depends on it`,
          data: [],
        });
        await save([]);
        await api.ok(`/pool/delete/${empty}`);
      },
    );
  },
);
