import { waitFor } from '@rigel/testing';
import { uniqueName } from '../support/fleet.js';
import type { Rig } from '../support/rig.js';

/** A pool that grows by a machine, which is then given back. */
export async function growAndShrink({ api, fleet }: Rig, greeting: string): Promise<void> {
  const retry = { retry_times: 0, ignore_error: false };
  const machine = (name: string) => ({ name, param_values: { vm_type_id: 1 }, retry });
  const template = (name: string, ...steps: object[]) =>
    api.ok<number>('/task_tpl/create', { name, desc: '', steps });
  const tasks = {
    expand: await template('grow', machine('create_vm'), {
      name: greeting,
      param_values: { word: 'hello' },
      retry,
    }),
    shrink: await template('shrink', machine('return_vm')),
  };
  const cluster_id = await api.ok<number>('/cluster/create', { name: 'machines', desc: '', biz: '1' });
  const service = await api.ok<{ id: number }>('/service/create', {
    name: uniqueName('machines'),
    desc: '',
    service_type: '',
    docker_image: '-',
    cluster_id,
  });
  const pool = (name: string) =>
    api.ok<{ id: number }>('/pool/create', {
      name,
      desc: '',
      vm_type: 1,
      sd_id: 0,
      service_id: service.id,
      tasks,
    });
  const { id } = await pool('machines');
  const finished = async (path: string, body: object): Promise<void> => {
    const [task = 0] = (await api.done(path, body)).taskIds;
    const { state } = await fleet.ended(task, 120_000);
    if (state !== 2) throw new Error(`${path} ended in state ${state}`);
  };
  await finished(`/pool/expand/${id}`, { num: 1 });
  const [node] = await api.ok<{ ip: string }[]>(`/pool/${id}/list_nodes`);
  await finished(`/pool/shrink/${id}`, { nodes: [node?.ip] });

  // What is in force is applied at once: first with a machine, then with one more whose pool waits for another one's. One that
  // is ignored comes due meanwhile.
  const soon = new Date(Date.now() + 4_000).toISOString().slice(11, 19);
  const item = (time: string, ignore: 0 | 1, instance_num = 1) => ({
    instance_num,
    concurr_ratio: 0,
    concurr_num: 0,
    week_day: 0,
    time,
    ignore,
  });
  const save = (instance_num: number, depend_itmes: object[]) =>
    api.ok('/task/saveTask', {
      id: 0,
      pool_id: id,
      type: 'expand',
      exec_type: 'crontab',
      cron_itmes: [item('04:00', 0, instance_num), item(soon, 1)],
      depend_itmes,
    });
  const outcomes = () =>
    waitFor(
      async () => {
        const [schedule] = await api.ok<{ id: number }[]>(`/task/expandList/${id}`);
        const { occurrences } = await api.ok<{ occurrences: { outcome: string }[] }>(
          `/schedule/${schedule?.id}/occurrences`,
        );
        return occurrences.every(({ outcome }) => outcome !== 'waiting' && outcome !== 'firing');
      },
      { what: 'the moments have outcomes', timeoutMs: 120_000 },
    );
  await save(1, []);
  await outcomes();
  const other = { pool_id: (await pool('follower')).id, ratio: 0.5, elastic_count: 0 };
  await save(2, [{ ...other, step_name: greeting, ignore: 0 }]);
  await outcomes();
}
