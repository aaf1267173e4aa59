import type {
  ApiToken,
  AuditEntry,
  CatalogChange,
  NodeRun,
  Preview,
  RunLine,
  Schedule,
  Task,
} from '@rigel/contracts';

/*
 * Rows as the services answer them. Times: 2017-07-27 13:39:55 and 13:41:00 UTC.
 */

export const created = 1_501_162_795_000;
export const updated = 1_501_162_860_000;

export const cluster = { id: 2, name: 'web', desc: '虚拟化集群', biz: '1' };

export const service = {
  id: 3,
  name: 'shop',
  desc: '',
  service_type: 'Java',
  docker_image: 'registry/shop:1.0',
  cluster_id: 2,
};

export const pool = {
  id: 4,
  name: 'shop-a',
  desc: 'first room',
  vm_type: 1,
  sd_id: 5,
  service_id: 3,
  tasks: { deploy: 9 },
  node_count: 2,
};

export const node = {
  id: 6,
  ip: '10.0.0.7:2222',
  vm_id: 'i-1',
  status: 1,
  state: 2,
  node_type: 'manual',
  pool_id: 4,
} as const;

export const placedNode = {
  ...node,
  last_task: 11,
  last_reason: '',
  version_tag: 'shop:7',
  labels: { zone: 'a' },
  pool_name: 'shop-a',
  service_id: 3,
  service_name: 'shop',
  cluster_id: 2,
  cluster_name: 'web',
} as const;

export const counts = {
  status: { not_ready: 0, ok: 2, failed: 0 },
  versions: [{ tag: 'shop:7', nodes: 2 }],
};

export const historyEntry = {
  position: 12,
  version: 2,
  time: created,
  operator: 'ann',
  client: '10.0.0.9',
  correlation_id: 'c',
  change: 'changed' as const,
  fields: [{ name: 'desc', before: '', after: 'first room' }],
};

export const action = {
  id: 7,
  name: 'start',
  desc: '',
  params: { tag: 'string', port: 'integer' },
  version: 2,
  updated_at: updated,
  updated_by: 'ann',
} as const;

export const catalogChange: CatalogChange = {
  position: 912,
  version: 2,
  time: updated,
  operator: 'ann',
  client: '10.0.0.9',
  correlation_id: 'c-1',
  change: 'changed',
  fields: [{ name: 'desc', before: 'starts it', after: 'starts the program' }],
};

export const actimpl = {
  id: 8,
  action_id: 7,
  type: 'ansible',
  template: { action: { module: 'shell', args: 'echo "{{tag}}"' } },
};

export const remoteStep = { id: 10, name: 'restart', desc: '', actions: ['stop', 'start'] };

export const template = {
  id: 9,
  name: 'rollout',
  desc: '',
  steps: [{ name: 'restart', param_values: { tag: 'v1' }, retry: { retry_times: 2, ignore_error: true } }],
};

export const usableStep = {
  id: 1,
  name: 'create_vm',
  desc: '',
  type: 'vm',
  params: { vm_type_id: 'integer' },
} as const;

export const task: Task = {
  id: 11,
  template_id: 9,
  template_name: 'rollout',
  task_name: 'version 2',
  pool_id: 4,
  pool_name: 'shop-a',
  state: 1,
  end_reason: '',
  options: template.steps,
  step_len: 2,
  opr_user: 'root',
  flow_type: 'manual',
  stat: [1, 1, 1, 1, 1],
  ignored: 1,
  created,
  updated,
  progress: {
    version: 8,
    started: created,
    ended: null,
    deadline: updated,
    batch: 2,
    batches: 3,
    nodes: 5,
    budget: 1,
    occurrence: { schedule_id: 71, cause: 'due', due: created },
  },
};

export const runLine: RunLine = {
  id: 21,
  index: 0,
  node_id: 6,
  ip: '10.0.0.7',
  vm_id: '3',
  batch_id: 1,
  state: 3,
  step: 'restart',
  step_num: 1,
  attempts: 3,
  message: 'exit code 1',
  updated,
};

export const runs: NodeRun[] = [
  {
    id: 21,
    node_id: 6,
    ip: '10.0.0.7',
    vm_id: '3',
    pool_name: 'shop-a',
    batch_id: 1,
    state: 3,
    step_index: 0,
    steps: [{ name: 'restart', state: 3, attempts: 3, message: 'exit code 1' }],
    created,
    updated,
  },
  {
    id: 22,
    node_id: 16,
    ip: '10.0.0.8',
    vm_id: '',
    pool_name: 'shop-a',
    batch_id: 2,
    state: 0,
    step_index: -1,
    steps: [],
    created,
    updated: created,
  },
];

export const cronItem = {
  id: 1,
  week_day: 2,
  time: '13:39:55',
  instance_num: 3,
  concurr_ratio: 100,
  concurr_num: 0,
  ignore: false,
};

export const schedule: Schedule = {
  id: 71,
  pool_id: 4,
  type: 'expand',
  exec_type: 'crontab',
  time_zone: '',
  cron_items: [cronItem],
  depend_items: [{ id: 2, pool_id: 5, ratio: 0.5, elastic_count: 2, step_name: 'create_vm', ignore: false }],
};

export const apiToken: ApiToken = {
  id: 81,
  name: 'ci',
  role: 'operator',
  created,
  created_by: 'ann',
  expires: null,
  revoked: updated,
  revoked_by: 'bob',
  last_used: null,
};

export const auditEntry: AuditEntry = {
  id: 91,
  time: created,
  operator: 'ci',
  action: 'task.stop',
  target: 'task-11',
  name: '',
  client: '10.0.0.9',
  correlation_id: 'c',
  outcome: 'done',
  status: 0,
  reason: '',
};

export const preview: Preview = {
  plan: 'abc.1',
  refused: null,
  template: { id: 2, name: 'rollout' },
  tasks: [
    { name: 'task', pool_id: 4, pool_name: 'shop', nodes: 1, batch_size: 1, batches: 1, max_failed: null },
  ],
  nodes: {
    count: 1,
    to_make: 0,
    rows: [{ node_id: 7, ip: '10.0.0.7', vm_id: '', pool_id: 4, batch: 1 }],
  },
  left_out: { count: 0, rows: [] },
  at_once: 1,
  steps: [],
  example: null,
  warnings: [],
  duration: null,
};
