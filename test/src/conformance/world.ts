import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiRequest, type ApiSender, showAnswer, showRequest } from './http.js';
import { isObject } from './shape.js';

/** Id of a provider that no server has: operations are recorded, and their steps fail without touching anything. */
const NO_PROVIDER = 987_654_321;
/** How often a removal is tried again, all removals together. */
const MORE_ATTEMPTS = 20;
const ATTEMPT_PAUSE_MS = 500;

export interface MadeTask {
  id: number;
  templateId: number;
  poolId: number;
  ip: string;
  nodeId: number;
  /** Id of its only node run. */
  runId: number;
  stepName: string;
}

/**
 * Makes what requests need: every name, every address is new, so that the suite can be run against one server as often
 * as wanted. What it has made it removes at the end, as far as the server lets it.
 */
export class World {
  private readonly run = randomUUID().slice(0, 8);
  private count = 0;
  /** In the order in which things were made. */
  private readonly removals: (() => Promise<unknown>)[] = [];
  private attemptsLeft = MORE_ATTEMPTS;
  private readonly once = new Map<string, Promise<unknown>>();

  constructor(private readonly sender: ApiSender) {}

  /** A name that nothing has, of at most 50 characters. */
  name(label = 'thing'): string {
    this.count++;
    return `conf-${label.slice(0, 20)}-${this.run}-${this.count}`;
  }

  /** An address that no node has; on whatever machine it is tried, nobody answers there. */
  ip(): string {
    return `127.${randomInt(2, 255)}.${randomInt(256)}.${randomInt(1, 255)}:${randomInt(1, 10)}`;
  }

  /** An id that is well-formed and that nothing has. */
  unknownId(): number {
    return randomInt(1_900_000_000, 2_147_483_647);
  }

  /** One thing that all cases may read, and none may change. */
  shared<T>(key: string, make: () => Promise<T>): Promise<T> {
    const existing = this.once.get(key);
    if (existing) return existing as Promise<T>;
    const made = make();
    this.once.set(key, made);
    return made;
  }

  async cluster(fields: object = {}) {
    const body = { name: this.name('cluster'), desc: 'a cluster', biz: '1', ...fields };
    return { ...body, id: await this.make('/cluster/create', body, '/cluster/delete/') };
  }

  async service(fields: { cluster_id?: number } = {}) {
    const cluster_id = fields.cluster_id ?? (await this.cluster()).id;
    const body = {
      name: this.name('service'),
      desc: 'a service',
      service_type: 'Java',
      docker_image: 'registry/shop:1.0',
      ...fields,
      cluster_id,
    };
    return { ...body, id: await this.make('/service/create', body, '/service/delete/') };
  }

  async pool(
    fields: { service_id?: number; vm_type?: number; sd_id?: number; tasks?: Record<string, number> } = {},
  ) {
    const service_id = fields.service_id ?? (await this.service()).id;
    const providers = { vm_type: NO_PROVIDER, sd_id: NO_PROVIDER };
    const body = { name: this.name('pool'), desc: 'a pool', ...providers, ...fields, service_id };
    return { ...body, id: await this.make('/pool/create', body, '/pool/delete/') };
  }

  async node(fields: { pool_id?: number } = {}) {
    const pool_id = fields.pool_id ?? (await this.pool()).id;
    const ip = this.ip();
    const ids = await this.post(`/pool/${pool_id}/add_nodes`, { nodes: [ip] });
    const [id] = Array.isArray(ids) ? (ids as number[]) : [];
    if (id === undefined) throw new Error('add_nodes gave no id');
    this.removeNode(`/pool/${pool_id}/remove_nodes`, id);
    return { id, ip, pool_id };
  }

  async action(fields: { name?: string; params?: Record<string, string> } = {}) {
    const body = { name: this.name('action'), desc: 'an action', params: { word: 'string' }, ...fields };
    return { ...body, id: await this.make('/action/create', body, '/action/delete/') };
  }

  async actimpl(fields: { action_id?: number } = {}) {
    const action_id = fields.action_id ?? (await this.action()).id;
    const body = { type: 'ansible', template: shellTemplate('echo {{word}}'), ...fields, action_id };
    return { ...body, id: await this.make('/actimpl/create', body, '/actimpl/delete/') };
  }

  async remoteStep(fields: { actions?: string[] } = {}) {
    const actions = fields.actions ?? [(await this.action()).name];
    const body = { name: this.name('step'), desc: 'a step', actions };
    return { ...body, id: await this.make('/remote_step/create', body, '/remote_step/delete/') };
  }

  async template(fields: { steps?: object[] } = {}) {
    const steps = fields.steps ?? [stepOption((await this.remoteStep()).name)];
    const body = { name: this.name('template'), desc: 'a template', steps };
    return { ...body, id: await this.make('/task_tpl/create', body, '/task_tpl/delete/') };
  }

  /** A template of one step that a task can be made from. */
  async runnableTemplate() {
    const action = await this.action();
    await this.actimpl({ action_id: action.id });
    const step = await this.remoteStep({ actions: [action.name] });
    return { ...(await this.template({ steps: [stepOption(step.name)] })), stepName: step.name };
  }

  /** A task over one node of its own. @param auto 0: it waits for its start. */
  async task(auto: 0 | 1 = 0): Promise<MadeTask> {
    const template = await this.runnableTemplate();
    const node = await this.node();
    const body = {
      template_id: template.id,
      task_name: this.name('task'),
      opr_user: 'conformance',
      auto,
      nodes: [{ ip: node.ip }],
      params: {},
    };
    const answer = await this.sender.send({ method: 'POST', path: '/task/create', body });
    const id = Number(answer.headers['x-task-id']);
    if (!(id > 0)) throw new Error(`task/create gave no id: ${showAnswer(answer)}`);
    this.removeTask(id);
    const runs = (await this.post(`/task/${id}/detail`)) as { id: number }[];
    return {
      id,
      templateId: template.id,
      poolId: node.pool_id,
      ip: node.ip,
      nodeId: node.id,
      runId: runs[0]?.id ?? 0,
      stepName: template.stepName,
    };
  }

  /** A token, which is revoked at the end. */
  async token() {
    const body = { name: this.name('token'), role: 'viewer' };
    return { ...body, id: await this.make('/token/create', body, '/token/revoke/') };
  }

  /** Has a thing removed at the end that a request under test has made. */
  remove(path: string): void {
    this.removals.push(() => this.sender.send({ method: 'POST', path }));
  }

  removeNode(path: string, id: number): void {
    this.removals.push(() => this.removeNodes(path, [id]));
  }

  /** Has all nodes removed that the pool has at the end. */
  emptyPool(id: number): void {
    this.removals.push(async () => {
      const path = `/pool/${id}`;
      const answer = await this.sender.send({ method: 'POST', path: `${path}/list_nodes?page_size=10000` });
      const rows = isObject(answer.json) && Array.isArray(answer.json.data) ? answer.json.data : [];
      const nodes = (rows as { id: number }[]).map((node) => node.id);
      if (nodes.length > 0) await this.removeNodes(`${path}/remove_nodes`, nodes);
    });
  }

  /** Has a pool's scheduled task emptied at the end: while it has items, no pool that it needs can be deleted. */
  unschedule(pool_id: number, type: 'expand' | 'upload' = 'expand'): void {
    const body = { id: 0, pool_id, cron_itmes: [], depend_itmes: [], type, exec_type: 'depend' };
    this.removals.push(() => this.sender.send({ method: 'POST', path: '/task/saveTask', body }));
  }

  removeTask(id: number): void {
    this.remove(`/task/stop/${id}`);
  }

  /** Removes what is left, newest first. What is gone already, or cannot go, is left as it is. */
  async cleanUp(): Promise<void> {
    for (const remove of this.removals.splice(0).reverse()) await remove();
  }

  /** A task that was stopped holds its nodes until nothing runs on them any more: some may have to stay. */
  private async removeNodes(path: string, nodes: number[]): Promise<void> {
    for (;;) {
      const answer = await this.sender.send({ method: 'POST', path, body: { nodes } });
      if (answer.status !== 400 || this.attemptsLeft === 0) return;
      this.attemptsLeft--;
      await sleep(ATTEMPT_PAUSE_MS);
    }
  }

  /** The data of a request that must succeed: a step towards a case, not the case itself. */
  async post(path: string, body?: object): Promise<unknown> {
    const request: ApiRequest = { method: 'POST', path, ...(body ? { body } : {}) };
    const answer = await this.sender.send(request);
    const { json } = answer;
    if (!isObject(json) || json.code !== 0) {
      throw new Error(`cannot prepare the case: ${showRequest(request)} -> ${showAnswer(answer)}`);
    }
    return json.data;
  }

  private async make(path: string, body: object, removal: string): Promise<number> {
    const data = await this.post(path, body);
    const id = isObject(data) ? data.id : data;
    if (typeof id !== 'number') throw new Error(`${path} gave no id but ${JSON.stringify(data)}`);
    this.remove(`${removal}${id}`);
    return id;
  }
}

/** One command line as an implementation. */
export function shellTemplate(args: string) {
  return { action: { module: 'shell', args } };
}

/** A step of a template, with a value for the parameter of the actions that are made here. */
export function stepOption(name: string) {
  return { name, param_values: { word: 'hello' }, retry: { retry_times: 2, ignore_error: false } };
}
