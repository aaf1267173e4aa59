import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@rigel/testing';
import type { ApiClient } from '../support/api.js';
import { loopbackHosts } from '../support/fleet.js';
import { type Rig, type RigOptions, startRig } from '../support/rig.js';
import { createToken } from '../support/tokens.js';

/*
 * A system in the middle of its day: pools, versions, schedules, and a deployment that has failed nodes, nodes at work, and
 * nodes that wait. Pictures are taken of it, and every page is opened on it.
 */

export type Role = 'viewer' | 'operator' | 'admin';

/** A rig with ids of what a page can be opened for. */
export interface FurnishedRig {
  rig: Rig;
  /** A token of each role; access is on. */
  tokens: Record<Role, string>;
  /** A deployment at work, with failed nodes. */
  task: number;
  /** A node of it that failed. */
  failedNode: number;
  pool: number;
  action: number;
  template: number;
  schedule: number;
  /** Brings the deployment to its end, and removes everything. */
  stop(): Promise<void>;
}

/**
 * What nodes have instead of Docker: it prints what Docker prints, fails on some nodes, and takes its time on those that the
 * picture shows at work.
 */
const DOCKER = `#!/bin/sh
set -- "$@" $SSH_CONNECTION
for last do server=$address address=$last; done
IFS=.; set -- "$1" "$2" $server
n=$(( $5 * 250 + $6 - 1 ))
if [ "$1" = pull ]; then
  printf '%s: Pulling from shop\\n' "\${2##*:}"
  printf '\\033[2ma3ed95caeb02: Pulling fs layer\\033[0m\\n'
  if [ $n -ge $BUSY_FROM ]; then exec sleep 600; fi
  case $(( (n * 37 + n * n / 11 + n / 7 * 13) % 97 )) in
    7|31) printf 'Error response from daemon: write /var/lib/docker/tmp/GetImageBlob1: no space left on device\\n' >&2; exit 1 ;;
  esac
  case $(( n % 331 )) in
    5|63|64|65|66|240) printf 'Error response from daemon: Get https://registry.example/v2/: net/http: TLS handshake timeout\\n' >&2; exit 1 ;;
  esac
  printf 'a3ed95caeb02: \\033[32mPull complete\\033[0m\\nStatus: Downloaded newer image for %s\\n' "$2"
elif [ "$1" = run ]; then
  printf '%08x%08x5c1e\\n' $(( n * 2654435761 )) $(( n * 40503 + 77 ))
fi
`;

interface Action {
  name: string;
  desc: string;
  params?: Record<string, 'string' | 'integer'>;
  /** The lines of its script; without them it does nothing. */
  lines?: readonly string[];
}

const ACTIONS: readonly Action[] = [
  { name: 'drain', desc: 'no new requests for this node' },
  {
    name: 'start_shop',
    desc: 'fetch the image, replace the container',
    params: { tag: 'string', port: 'integer', region: 'string' },
    lines: [
      'docker pull "registry.example/{{tag}}" || exit 1',
      'docker rm -f shop 2>/dev/null',
      'docker run -d --name shop -p {{port}}:8080 \\',
      '  -e REGION={{region}} \\',
      '  "registry.example/{{tag}}"',
    ],
  },
  { name: 'check', desc: 'answers requests again' },
  { name: 'note_version', desc: 'the version is there already', params: { tag: 'string' } },
];

/** @param nodes how many nodes the deployment has, from 60; two thirds of them have been worked on. */
export async function startFurnishedRig(nodes: number, options: RigOptions = {}): Promise<FurnishedRig> {
  const folder = await mkdtemp(join(tmpdir(), 'rigel-furnished-'));
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'docker'), DOCKER, { mode: 0o755 });
  await chmod(join(folder, 'docker'), 0o755);
  const batch = Math.max(12, Math.ceil(nodes / 30));
  const busyBatch = Math.floor((nodes * 2) / 3 / batch);
  const busyFrom = busyBatch * batch + Math.ceil(batch / 3);
  const rig = await startRig({
    executors: 2,
    fastDatabase: true,
    ...options,
    nodeEnv: { PATH: `${folder}:/usr/local/bin:/usr/bin:/bin`, BUSY_FROM: String(busyFrom) },
    env: {
      ...options.env,
      executor: {
        RIGEL_EXECUTOR_CAPABILITIES: 'ssh,noop,vm,sd',
        RIGEL_EXECUTOR_SLOTS: '200',
        ...options.env?.executor,
      },
      gateway: { RIGEL_ACCESS: 'on', ...options.env?.gateway },
      scheduler: { RIGEL_RETRY_DELAY: '0.1', ...options.env?.scheduler },
    },
  });
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const tokens = await makeTokens(rig);
    const api = rig.client(`Bearer ${tokens.operator}`);
    const made = await furnish(rig.client(`Bearer ${tokens.admin}`), api, nodes, batch);
    const waiting = nodes - (busyBatch + 1) * batch;
    await waitFor(
      async () => {
        const { stat } = await api.task(made.task);
        return stat[0] === waiting && stat[1] === batch - Math.ceil(batch / 3);
      },
      { what: 'the deployment has come to the nodes that take their time', timeoutMs: 300_000 },
    );
    const failed = (await api.detail(made.task)).find(({ state }) => state === 3);
    const stop = async (): Promise<void> => {
      await rig.stop();
      await removeFolder();
    };
    return { rig, tokens, ...made, failedNode: failed?.node_id ?? 0, stop };
  } catch (error) {
    await rig.stop();
    await removeFolder();
    throw error;
  }
}

async function makeTokens({ stack }: Rig): Promise<Record<Role, string>> {
  const token = async (name: string, role: Role) => (await createToken(stack.databaseUrl, name, role)).token;
  return {
    admin: await token('maria', 'admin'),
    operator: await token('lena', 'operator'),
    viewer: await token('jonas', 'viewer'),
  };
}

/** @param admin makes what operators use; @param api is an operator's. */
async function furnish(
  admin: ApiClient,
  api: ApiClient,
  nodes: number,
  batch: number,
): Promise<Omit<FurnishedRig, 'rig' | 'tokens' | 'failedNode' | 'stop'>> {
  const actions = new Map<string, number>();
  for (const { name, desc, params = {}, lines } of ACTIONS) {
    const action_id = await admin.ok<number>('/action/create', { name, desc, params });
    const action = lines
      ? { module: 'longscript', content: `${['#!/bin/sh', ...lines].join('\n')}\n` }
      : { module: 'shell', args: Object.keys(params).length > 0 ? ': {{tag}}' : ':' };
    await admin.ok('/actimpl/create', { type: lines ? 'ansible' : 'noop', action_id, template: { action } });
    actions.set(name, action_id);
  }
  for (const [name, action] of [
    ['drain', 'drain'],
    ['start_service', 'start_shop'],
    ['start_service_before', 'note_version'],
    ['check', 'check'],
  ] as const)
    await admin.ok('/remote_step/create', { name, desc: '', actions: [action] });
  const step = (name: string, param_values: object = {}, retry_times = 0) => ({
    name,
    param_values,
    retry: { retry_times, ignore_error: false },
  });
  const tpl = (name: string, desc: string, steps: object[]) =>
    admin.ok<number>('/task_tpl/create', { name, desc, steps });
  const start = { port: 80, region: 'eu-central' };
  const deploy = await tpl('roll out', 'drain, replace the container, check', [
    step('drain'),
    step('start_service', start, 1),
    step('check'),
  ]);
  const before = await tpl('enter a version', 'for nodes that have it already', [
    step('start_service_before'),
  ]);
  const expand = await tpl('grow', 'make machines', [step('create_vm'), step('check')]);
  const shrink = await tpl('give back', 'return machines', [step('drain'), step('return_vm')]);

  const cluster = (name: string, desc: string) =>
    admin.ok<number>('/cluster/create', { name, desc, biz: '1' });
  const service = async (name: string, docker_image: string, cluster_id: number) =>
    (
      await admin.ok<{ id: number }>('/service/create', {
        name,
        desc: '',
        service_type: 'Node',
        docker_image,
        cluster_id,
      })
    ).id;
  const tasks = { deploy, expand, shrink };
  const pool = async (name: string, desc: string, service_id: number) =>
    (await admin.ok<{ id: number }>('/pool/create', { name, desc, vm_type: 1, sd_id: 0, service_id, tasks }))
      .id;
  const shop = await service('shop', 'shop:42', await cluster('frankfurt', 'main site'));
  const search = await service('search', 'search:7', await cluster('helsinki', 'second site'));
  const web = await pool('shop-web', 'what customers see', shop);
  const worker = await pool('shop-worker', 'orders and mails', shop);
  const index = await pool('search-index', 'rebuilt every night', search);

  const addresses = loopbackHosts(nodes);
  await admin.ok(`/pool/${web}/add_nodes`, { nodes: addresses });
  const others = loopbackHosts(48, nodes + 250);
  await admin.ok(`/pool/${worker}/add_nodes`, { nodes: others.slice(0, 24) });
  await admin.ok(`/pool/${index}/add_nodes`, { nodes: others.slice(24) });

  const create = async (template_id: number, task_name: string, ips: string[], more: object = {}) => {
    const answer = await api.done('/task/create', {
      template_id,
      task_name,
      nodes: ips.map((ip) => ({ ip })),
      ...more,
    });
    return answer.taskIds[0] ?? 0;
  };
  const ended = (id: number) => api.task(id, 10);
  await ended(await create(before, 'shop:41 is there', addresses, { params: { tag: 'shop:41' } }));
  await ended(await create(before, 'search:7 is there', others.slice(24), { params: { tag: 'search:7' } }));
  // One of these fails.
  await ended(
    await create(deploy, 'try shop:42 on some', addresses.slice(0, 8), {
      params: { tag: 'shop:42' },
      max_num: 4,
    }),
  );
  const saved = (body: object) =>
    api.ok('/task/saveTask', {
      id: 0,
      exec_type: 'crontab',
      time_zone: 'Europe/Berlin',
      depend_itmes: [],
      ...body,
    });
  await saved({
    pool_id: index,
    type: 'expand',
    cron_itmes: [
      { week_day: 0, time: '06:30', instance_num: 3 },
      { week_day: 0, time: '20:00:30', instance_num: 3 },
      { week_day: 7, time: '20:00:30', instance_num: 1 },
    ],
  });
  await saved({
    pool_id: worker,
    type: 'upload',
    cron_itmes: [2, 3, 4, 5, 6].map((week_day) => ({
      week_day,
      time: '02:30',
      concurr_ratio: 25,
      concurr_num: 6,
    })),
  });
  await saved({
    pool_id: index,
    type: 'upload',
    cron_itmes: [
      { week_day: 0, time: '04:15', concurr_ratio: 50, concurr_num: 12 },
      { week_day: 1, time: '05:00', concurr_ratio: 100, concurr_num: 24 },
    ],
  });
  const schedules = await api.ok<{ id: number }[]>(`/task/expandList/${index}`);
  await create(deploy, 'workers to shop:42', others.slice(0, 24), {
    params: { tag: 'shop:42' },
    auto: false,
  });
  const { taskIds } = await api.done(`/pool/deploy/${web}`, {
    tag: 'shop:42',
    max_num: batch,
    max_fail_num: Math.max(8, Math.ceil(nodes / 20)),
  });
  return {
    task: taskIds[0] ?? 0,
    pool: web,
    action: actions.get('start_shop') ?? 0,
    template: deploy,
    schedule: schedules[0]?.id ?? 0,
  };
}
