/*
 * The filters of the list of tasks, as they stand in the address: by the names of the API.
 */

export interface TaskFilter {
  state?: string;
  end_reason?: string;
  pool_id?: string;
  service_id?: number;
  cluster_id?: number;
  template_id?: number;
  opr_user?: string;
  flow_type?: 'manual' | 'crontab';
  schedule_id?: number;
  node?: number;
  from?: string;
  to?: string;
  active?: boolean;
  q?: string;
  sort?: 'created' | 'updated' | 'duration' | 'failed';
}

const NUMBERS = ['service_id', 'cluster_id', 'template_id', 'schedule_id', 'node'] as const;
const TEXTS = ['state', 'end_reason', 'pool_id', 'opr_user', 'from', 'to', 'q'] as const;

export const TASK_FILTERS: readonly (keyof TaskFilter)[] = [
  ...NUMBERS,
  ...TEXTS,
  'flow_type',
  'active',
  'sort',
];

/** The filters that an address names. What cannot be a value of one counts as not given. */
export function readFilter(params: URLSearchParams): TaskFilter {
  const filter: TaskFilter = {};
  for (const name of NUMBERS) {
    const text = params.get(name) ?? '';
    if (/^[1-9]\d{0,14}$/.test(text)) filter[name] = Number(text);
  }
  for (const name of TEXTS) {
    const text = params.get(name) ?? '';
    if (text.trim() !== '') filter[name] = text;
  }
  const by = params.get('flow_type');
  if (by === 'manual' || by === 'crontab') filter.flow_type = by;
  const active = params.get('active');
  if (active === 'true' || active === 'false') filter.active = active === 'true';
  const sort = params.get('sort');
  if (sort === 'updated' || sort === 'duration' || sort === 'failed') filter.sort = sort;
  return filter;
}

/** The query of an address with these filters, always in the same order. */
export function queryOf(filter: TaskFilter): string {
  const pairs = TASK_FILTERS.flatMap((name) =>
    filter[name] === undefined ? [] : [[name, String(filter[name])]],
  );
  return new URLSearchParams(pairs).toString();
}
