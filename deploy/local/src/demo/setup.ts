import type { Api } from './api.js';
import { CHECK, START } from './service-scripts.js';

const RETRY = { retry_times: 2, ignore_error: false };
/** An expand and a shrink take it from the pool; a deploy has it from its template. */
const BALANCER = { service_discovery_id: 1 };
const step = (name: string) => ({
  name,
  param_values: name.endsWith('register') ? BALANCER : {},
  retry: RETRY,
});

const ACTIONS = [
  { name: 'start_service', desc: 'start it at a version', script: START },
  { name: 'check_health', desc: 'ask it over HTTP', script: CHECK },
];

/**
 * Enters what the demo works with: actions, a remote step, the templates of a pool, and an empty pool.
 * @returns the pool's id
 */
export async function enterPool(
  api: Api,
  { image, balanced }: { image: string; balanced: boolean },
): Promise<number> {
  for (const { name, desc, script } of ACTIONS) {
    const action_id = await api.data<number>('/action/create', { name, desc, params: { tag: 'string' } });
    const template = { action: { module: 'longscript', content: script } };
    await api.call('/actimpl/create', { type: 'ansible', action_id, template });
  }
  await api.call('/remote_step/create', {
    name: 'start_service',
    desc: 'start the service at a version and see that it answers',
    actions: ACTIONS.map(({ name }) => name),
  });
  const tasks: Record<string, number> = {};
  for (const [kind, names] of Object.entries({
    expand: ['create_vm', 'start_service', 'register'],
    deploy: ['unregister', 'start_service', 'register'],
    shrink: ['unregister', 'return_vm'],
  })) {
    const steps = names.filter((name) => balanced || !name.endsWith('register')).map(step);
    tasks[kind] = await api.data<number>('/task_tpl/create', { name: kind, desc: names.join(', '), steps });
  }
  const cluster_id = await api.data<number>('/cluster/create', {
    name: 'demo',
    desc: 'throwaway machines',
    biz: '1',
  });
  const service = await api.data<{ id: number }>('/service/create', {
    name: 'hello',
    desc: 'a tiny HTTP service',
    service_type: 'Node',
    docker_image: image,
    cluster_id,
  });
  const pool = await api.data<{ id: number }>('/pool/create', {
    name: 'hello',
    desc: 'local machines',
    vm_type: 1,
    sd_id: balanced ? 1 : 0,
    service_id: service.id,
    tasks,
  });
  return pool.id;
}
