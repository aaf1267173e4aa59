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
  const pool = { name: 'machines', desc: '', vm_type: 1, sd_id: 0, service_id: service.id, tasks };
  const { id } = await api.ok<{ id: number }>('/pool/create', pool);
  const finished = async (path: string, body: object): Promise<void> => {
    const [task = 0] = (await api.done(path, body)).taskIds;
    const { state } = await fleet.ended(task, 120_000);
    if (state !== 2) throw new Error(`${path} ended in state ${state}`);
  };
  await finished(`/pool/expand/${id}`, { num: 1 });
  const [node] = await api.ok<{ ip: string }[]>(`/pool/${id}/list_nodes`);
  await finished(`/pool/shrink/${id}`, { nodes: [node?.ip] });
}
