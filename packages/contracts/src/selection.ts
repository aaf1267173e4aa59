import { type Static, Type } from 'typebox';
import { ServiceError, show } from './errors.js';
import { Text } from './forms.js';
import { parseSelector, selectorText } from './label-selector.js';
import { wrongKey } from './labels.js';

/*
 * A selection says which nodes an operation is about without naming them. It happens once, when the operation or its preview looks the
 * nodes up; what was selected is recorded.
 */

/** Nodes of one selection at most, where it says how many. */
export const MOST_SELECTED = 100_000;

export const SelectedStatus = Type.Enum(['ok', 'failed', 'not_ready']);

export const Selection = Type.Object(
  {
    /** Ids or names. Absent: the pool that the operation is about, or all. */
    pools: Type.Optional(Type.Array(Type.Union([Type.Integer(), Text]), { minItems: 1, maxItems: 1_000 })),
    /** A selector, see `parseSelector`. */
    labels: Type.Optional(Text),
    status: Type.Optional(SelectedStatus),
    /** The first so many. */
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_SELECTED })),
    /** `id` (also the default), or `label:<key>`: by the value of a label, nodes without it last, then by id. */
    order: Type.Optional(Text),
  },
  { additionalProperties: false },
);
export type Selection = Static<typeof Selection>;

/** `status` of a node by its name in a selection. */
export const STATUS_NUMBERS: Readonly<Record<Static<typeof SelectedStatus>, 0 | 1 | 3>> = {
  not_ready: 0,
  ok: 1,
  failed: 3,
};

/**
 * The key of the label that a selection is ordered by; undefined: its nodes come in the order of their ids.
 * @throws ServiceError `wrong_form` (field `select.order`).
 */
export function orderLabel(order: string | undefined): string | undefined {
  const text = order?.trim() ?? 'id';
  if (text === 'id') return undefined;
  const key = text.startsWith('label:') ? text.slice('label:'.length) : undefined;
  const wrong = key === undefined ? 'it must be id, or label: and the key of a label' : wrongKey(key);
  if (wrong === undefined) return key;
  throw new ServiceError('wrong_form', `select.order: ${show(text)} is no order: ${wrong}`, 'select.order', {
    value: text,
    data: { form: 'id, label:<key>' },
  });
}

/**
 * Checks a selection, without looking anything up.
 * @param within the operation is about one pool, to which the selection is limited where it names none.
 * @returns the same, as it is recorded: without blanks around, the selector in its usual form.
 * @throws ServiceError that names the field (`select`, `select.labels`, `select.order`).
 */
export function checkSelection(select: Selection, within = false): Selection {
  const labels =
    select.labels === undefined ? '' : selectorText(parseSelector('select.labels', select.labels));
  const order = orderLabel(select.order);
  if (!within && select.pools === undefined && labels === '' && select.status === undefined)
    throw new ServiceError(
      'invalid',
      'select names no pools, no labels and no status, so that every node would match: name at least one',
      'select',
    );
  return {
    ...(select.pools
      ? { pools: select.pools.map((pool) => (typeof pool === 'string' ? pool.trim() : pool)) }
      : {}),
    ...(labels === '' ? {} : { labels }),
    ...(select.status === undefined ? {} : { status: select.status }),
    ...(select.limit === undefined ? {} : { limit: select.limit }),
    ...(order === undefined ? {} : { order: `label:${order}` }),
  };
}

/** A selection in words: `labels role=web, status ok, of pools 4, shop; the first 20 by label zone`. */
export function selectionText({ pools, labels, status, limit, order }: Selection): string {
  const parts = [
    ...(labels ? [`labels ${labels}`] : []),
    ...(status ? [`status ${status}`] : []),
    ...(pools ? [`of pool${pools.length === 1 ? '' : 's'} ${pools.join(', ')}`] : []),
  ];
  const by = order === undefined || order === 'id' ? '' : ` by ${order.replace(':', ' ')}`;
  const first = limit === undefined ? '' : `the first ${limit}${by}`;
  return [parts.join(', ') || 'all', first].filter((part) => part !== '').join('; ');
}

/** The refusal of an operation whose selection finds no node. */
export function nothingSelected(select: Selection): ServiceError {
  return new ServiceError(
    'no_nodes',
    `select: no node with an address matches (${selectionText(select)})`,
    'select',
    { data: { select: selectionText(select) } },
  );
}

/**
 * A request names its nodes in one of two ways.
 * @throws ServiceError `invalid` (field `select`): both are given.
 */
export function assertOneWay(nodes: readonly unknown[] | undefined, select: Selection | undefined): void {
  if (select === undefined || nodes === undefined || nodes.length === 0) return;
  throw new ServiceError(
    'invalid',
    'nodes and select are both given: name the nodes, or select them',
    'select',
  );
}
