/*
 * The names that existing clients send in addition to the parameters of an endpoint. They are accepted and not read;
 * every other unknown name is refused. A new line needs a request that a client really sends: no name is listed to be
 * safe.
 */

/** Names that clients send to endpoints, and the clients that do so. */
interface AlsoSent {
  endpoints: readonly string[];
  /** The parameter whose objects hold the names; absent: they stand beside the parameters. */
  within?: string;
  names: readonly string[];
  /** The client and its request. */
  by: string;
}

/** Endpoints that create something: the server gives the id. */
const CREATE = [
  'cluster.create',
  'service.create',
  'pool.create',
  'task_impl.create',
  'task.create',
  'task_tpl.create',
  'remote_step.create',
  'action.create',
  'action_impl.create',
  'actimpl.create',
];

export const ALSO_SENT: readonly AlsoSent[] = [
  {
    endpoints: CREATE,
    names: ['id'],
    by: 'samples and parameter tables of the documented API: an id of the client’s choice',
  },
  {
    endpoints: ['cluster.list'],
    names: [
      'template_id',
      'task_name',
      'timeout',
      'auto',
      'max_ratio',
      'max_num',
      'opr_user',
      'nodes',
      'params',
    ],
    by: 'the documented API’s sample of task.create, which is printed with the address of this list',
  },
  {
    endpoints: ['cluster.list_services'],
    names: ['cluster_id'],
    by: 'the web console’s list of services: the id of the path once more',
  },
  {
    endpoints: ['service.list_pools'],
    names: ['service_id'],
    by: 'the web console’s list of pools: the id of the path once more',
  },
  {
    endpoints: ['pool.list_nodes'],
    names: ['pool_id'],
    by: 'the web console’s list of nodes, and its scripts: the id of the path once more',
  },
  {
    endpoints: ['task.expand_list', 'task.upload_list'],
    names: ['pool_id'],
    by: 'the web console’s page of scheduled tasks: the id of the path once more',
  },
  {
    endpoints: ['pool.expand', 'pool.shrink'],
    names: ['pool', 'template_id'],
    by: 'the web console’s form: the pool of the path once more, and the template that the pool names anyway',
  },
  {
    endpoints: ['pool.deploy'],
    names: ['pool', 'template_id', 'timeout', 'auto'],
    by: 'the web console’s form: the pool of the path, the template that the pool names, and settings of tasks',
  },
  {
    endpoints: ['task.save_task', 'task.save_task_preview'],
    within: 'cron_itmes',
    names: ['id', 'exec_task_id', 'ConcurrRatio', 'ConcurrNum'],
    by: 'the web console’s page of scheduled tasks: ids that are given anew, and two names of its own that are always 0',
  },
  {
    endpoints: ['task.save_task', 'task.save_task_preview'],
    within: 'depend_itmes',
    names: ['id', 'exec_task_id', 'pool'],
    by: 'the web console’s page of scheduled tasks: ids that are given anew; items as task.expand_list answers them',
  },
];

/** Parameters of every list. On other reads they mean nothing; clients that send them with every request may do so. */
export const PAGE_NAMES: readonly string[] = ['page', 'page_size'];

/**
 * Names that only keep caches away (`_=1501162794`): clients add them to any read.
 */
export function isCacheBuster(name: string): boolean {
  return name.startsWith('_') && name !== '__proto__';
}

/** What clients send to an endpoint beside its parameters; `within`: in the objects of this parameter. */
export function alsoSentTo(endpoint: string, within?: string): string[] {
  return ALSO_SENT.filter((sent) => sent.endpoints.includes(endpoint) && sent.within === within).flatMap(
    ({ names }) => names,
  );
}
