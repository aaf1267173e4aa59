import type { NodeSelection } from '@rigel/api-client';

/*
 * What somebody enters on the page of a new task, as its address tells it: a link shows the same form to everybody.
 */

export const SOURCES = ['pool', 'labels', 'list', 'task'] as const;
/**
 * Where the nodes come from: pools with filters, a selection by labels, a pasted list, the nodes of an earlier task.
 */
export type NodeSource = (typeof SOURCES)[number];

export interface Draft {
  template?: number | undefined;
  name: string;
  by: NodeSource;
  pools: readonly number[];
  /** Filters of the nodes of the pools. */
  status: string;
  ip: string;
  version: string;
  /** The selector; pools and status count beside it. */
  labels: string;
  /** The first so many of the selected nodes, as it was typed, and their order: `label:zone`; empty: of their ids. */
  first: string;
  order: string;
  /** The pasted list. */
  nodes: string;
  /** Id of the earlier task, as it was typed. */
  from: string;
  /** Filters of the nodes of the earlier task: states by their numbers, step, reason. */
  state: string;
  step: string;
  reason: string;
  /** As the API takes them: {parameter: value}, {step: {parameter: value}}; {"secret": name} for a secret. */
  params: Readonly<Record<string, unknown>>;
  /** Numbers as they were typed: what is no number stays on the screen. */
  max_num: string;
  max_ratio: string;
  max_fail_num: string;
  max_fail_ratio: string;
  /** Minutes. */
  timeout: string;
  /** The task starts at once. */
  auto: boolean;
  /** Nodes that another task holds are left out. */
  leaveOut: boolean;
}

/** The least and the most that the API takes for a number. */
export const RANGES = {
  max_num: [0, Number.MAX_SAFE_INTEGER],
  max_ratio: [1, 100],
  max_fail_num: [0, Number.MAX_SAFE_INTEGER],
  max_fail_ratio: [0, 100],
  timeout: [0, 525_600],
  first: [1, 100_000],
} as const;
export type NumberName = keyof typeof RANGES;
export const LIMITS = ['max_num', 'max_ratio', 'max_fail_num', 'max_fail_ratio', 'timeout'] as const;
export type LimitName = (typeof LIMITS)[number];
const TEXTS = [
  'name',
  'status',
  'ip',
  'version',
  'labels',
  'first',
  'order',
  'nodes',
  'from',
  'state',
  'step',
  'reason',
  ...LIMITS,
] as const;
/** Characters of a list or of values that an address may carry; browsers and proxies cut longer ones. */
export const MOST_IN_ADDRESS = 2_000;

function idIn(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function paramsIn(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

/** Where the nodes come from when the address does not say it. */
function impliedSource({ from, nodes, labels }: Pick<Draft, 'from' | 'nodes' | 'labels'>): NodeSource {
  if (from !== '') return 'task';
  if (nodes !== '') return 'list';
  return labels === '' ? 'pool' : 'labels';
}

/** The form that an address shows. What cannot be a value of a field counts as not given. */
export function readDraft(given: URLSearchParams): Draft {
  const text = (name: (typeof TEXTS)[number]): string => given.get(name) ?? '';
  const by = SOURCES.find((one) => one === given.get('by'));
  return {
    template: idIn(given.get('template')),
    by: by ?? impliedSource({ from: text('from'), nodes: text('nodes'), labels: text('labels') }),
    pools: (given.get('pool') ?? '').split(',').flatMap((one) => idIn(one) ?? []),
    ...(Object.fromEntries(TEXTS.map((name) => [name, text(name)])) as Record<
      (typeof TEXTS)[number],
      string
    >),
    params: paramsIn(given.get('params')),
    auto: given.get('auto') !== 'no',
    leaveOut: given.get('held') === 'leave_out',
  };
}

/** The address of a form: what has its default is left out, and so is a text that is too long for an address. */
export function writeDraft(draft: Draft): URLSearchParams {
  const { by, from, nodes, labels, pools, params, auto, leaveOut } = draft;
  const query = new URLSearchParams();
  const put = (name: string, value: string): void => {
    if (value !== '' && value.length <= MOST_IN_ADDRESS) query.set(name, value);
  };
  put('template', String(draft.template ?? ''));
  const written = (value: string): string => (value.length <= MOST_IN_ADDRESS ? value : '');
  if (by !== impliedSource({ from, nodes: written(nodes), labels: written(labels) })) put('by', by);
  put('pool', pools.join());
  for (const name of TEXTS) put(name, draft[name]);
  if (Object.keys(params).length > 0) put('params', JSON.stringify(params));
  if (!auto) put('auto', 'no');
  if (leaveOut) put('held', 'leave_out');
  return query;
}

/** Whether the address of the form has everything that is in it. */
export function isInAddress({ nodes, params }: Draft): boolean {
  return nodes.length <= MOST_IN_ADDRESS && JSON.stringify(params).length <= MOST_IN_ADDRESS;
}

/** The number that was typed for a limit. @returns undefined: nothing was; NaN: it is none that the API takes */
export function limitIn(draft: Draft, name: NumberName): number | undefined {
  const typed = draft[name].trim();
  if (typed === '') return undefined;
  const [least, most] = RANGES[name];
  const number = /^\d+$/.test(typed) ? Number(typed) : Number.NaN;
  return number >= least && number <= most ? number : Number.NaN;
}

const STATUSES = { '0': 'not_ready', '1': 'ok', '3': 'failed' } as const;

/** The selection of a form, as the API takes it. */
export function selectionOf(draft: Draft): NodeSelection {
  const { labels, pools, status, order } = draft;
  const first = limitIn(draft, 'first');
  return {
    ...(pools.length === 0 ? {} : { pools: [...pools] }),
    labels: labels.trim(),
    ...(status in STATUSES ? { status: STATUSES[status as keyof typeof STATUSES] } : {}),
    ...(first === undefined ? {} : { limit: first }),
    ...(order.trim() === '' ? {} : { order: order.trim() }),
  };
}

/** The request that makes the task of a form over these nodes, without the plan that it is bound to. */
export function requestOf(
  draft: Draft,
  template: { id: number; name: string },
  addresses: readonly string[],
) {
  const limits = LIMITS.flatMap((name) => {
    const number = limitIn(draft, name);
    return number === undefined ? [] : [[name, number] as const];
  });
  return {
    template_id: template.id,
    task_name: nameOf(draft, template),
    ...(Object.fromEntries(limits) as Partial<Record<LimitName, number>>),
    ...(draft.auto ? {} : { auto: false }),
    ...(draft.by === 'labels' ? { select: selectionOf(draft) } : { nodes: addresses.map((ip) => ({ ip })) }),
    params: { ...draft.params },
    ...(draft.leaveOut ? { held_nodes: 'leave_out' as const } : {}),
  };
}

/** The name of the task: the entered one, else that of its template. */
export function nameOf({ name }: Draft, template: { name: string }): string {
  return name.trim() === '' ? template.name : name.trim();
}
