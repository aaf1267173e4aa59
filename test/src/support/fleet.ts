import { waitFor } from '@rigel/testing';
import type { Answer, ApiClient, TaskInfo } from './api.js';

/** Not more, for tests whose tasks have ended while commands of theirs are still being ended. */
const WAIT_S = 10;

let names = 0;
/** A name that no other test has used. */
export function uniqueName(prefix: string): string {
  names++;
  return `${prefix}-${process.pid}-${names}`;
}

export interface StepDefinition {
  /** Command line, or with `script` a script. */
  command: string;
  script?: boolean;
  params?: Record<string, 'string' | 'integer'>;
  values?: Record<string, unknown>;
  retry?: number;
  ignoreError?: boolean;
  /** Implementation type; default ansible. */
  type?: string;
  /** Further options of the step. */
  options?: Record<string, unknown>;
}

/** Enters clusters, pools, nodes and templates through the API, as an operator would. */
export class Fleet {
  constructor(readonly api: ApiClient) {}

  async pool(addresses: string[]): Promise<{ poolId: number; nodeIds: number[] }> {
    const clusterId = await this.api.ok<number>('/cluster/create', {
      name: uniqueName('cluster'),
      desc: '',
      biz: '1',
    });
    const service = await this.api.ok<{ id: number }>('/service/create', {
      name: uniqueName('service'),
      desc: '',
      service_type: 'Java',
      docker_image: '-',
      cluster_id: clusterId,
    });
    const pool = await this.api.ok<{ id: number }>('/pool/create', {
      name: uniqueName('pool'),
      desc: '',
      vm_type: 1,
      sd_id: 1,
      service_id: service.id,
    });
    const nodeIds =
      addresses.length > 0
        ? await this.api.ok<number[]>(`/pool/${pool.id}/add_nodes`, { nodes: addresses })
        : [];
    return { poolId: pool.id, nodeIds };
  }

  /** A template with one remote step for each definition; each step has one action. Returns its id. */
  async template(steps: Record<string, StepDefinition>): Promise<number> {
    const options = [];
    for (const [label, step] of Object.entries(steps)) {
      const name = uniqueName(label);
      const actionId = await this.api.ok<number>('/action/create', {
        name,
        desc: '',
        params: step.params ?? {},
      });
      const action = step.script
        ? { module: 'longscript', content: step.command }
        : { module: 'shell', args: step.command };
      await this.api.ok('/actimpl/create', {
        type: step.type ?? 'ansible',
        action_id: actionId,
        template: { action },
      });
      await this.api.ok('/remote_step/create', { name, desc: '', actions: [name] });
      options.push({
        name,
        param_values: step.values ?? {},
        retry: { retry_times: step.retry ?? 0, ignore_error: step.ignoreError ?? false },
        ...step.options,
      });
    }
    return this.api.ok<number>('/task_tpl/create', {
      name: uniqueName('template'),
      desc: '',
      steps: options,
    });
  }

  createTask(
    templateId: number,
    addresses: string[],
    options: Record<string, unknown> = {},
  ): Promise<Answer> {
    return this.api.call('/task/create', {
      template_id: templateId,
      task_name: uniqueName('task'),
      opr_user: 'tester',
      nodes: addresses.map((ip) => ({ ip })),
      params: {},
      ...options,
    });
  }

  /** Creates a task that must be accepted; its id. */
  async startTask(
    templateId: number,
    addresses: string[],
    options: Record<string, unknown> = {},
  ): Promise<number> {
    const answer = await this.createTask(templateId, addresses, options);
    const [id] = answer.taskIds;
    if (answer.code !== 0 || id === undefined) throw new Error(`task/create: ${answer.code} ${answer.msg}`);
    return id;
  }

  /** Waits until a task is neither waiting nor running. */
  async ended(id: number, timeoutMs = 60_000): Promise<TaskInfo> {
    return waitFor(
      async () => {
        const task = await this.api.task(id, WAIT_S);
        return task.state > 1 && task.end_reason !== '' ? task : undefined;
      },
      { what: `task ${id} ends`, timeoutMs },
    );
  }
}

/** `count` loopback addresses with a port, each a node of its own for an SSH server that listens on all of them. */
export function loopbackNodes(count: number, port: number, offset = 0): string[] {
  return loopbackHosts(count, offset).map((host) => `${host}:${port}`);
}

/** `count` loopback addresses, after the first `offset` of them. */
export function loopbackHosts(count: number, offset = 0): string[] {
  return Array.from({ length: count }, (_, index) => {
    const n = index + offset;
    return `127.${10 + Math.floor(n / 62_500)}.${Math.floor(n / 250) % 250}.${1 + (n % 250)}`;
  });
}
