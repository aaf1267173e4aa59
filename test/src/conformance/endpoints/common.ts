import type { Method, WrongValue } from '../endpoint.js';
import { exactRefusal, refusal } from '../expectation.js';
import { both, id, integer, mapOf, objectWith, oneOf, rfc3339, text } from '../shape.js';

export const READ: readonly Method[] = ['GET', 'POST'];
export const DELETE: readonly Method[] = ['POST', 'DELETE'];

/** The documented failures that many endpoints have. */
export const lost = {
  list: refusal(400, 'db server lost...', []),
  object: refusal(400, 'db server lost...', {}),
  nothing: refusal(400, 'db server lost...', null),
};
export const parseFailed = refusal(400, '请求参数解析错误', []);
export const storeFailed = refusal(404, '数据库操作失败', []);
export const listRefused = refusal(400, 'error...', {});
export const idWrong = refusal(400, 'id is error...', {});
export { exactRefusal, refusal };

/** Values that neither a name nor a description may have. */
export const LONG_NAME = 'n'.repeat(51);
export const LONG_DESC = 'd'.repeat(256);

export const TEXT_WRONG = [
  { what: 'a name of 51 characters', change: { name: LONG_NAME } },
  { what: 'an empty name', change: { name: '' } },
  { what: 'a blank name', change: { name: '  ' } },
  { what: 'a name that is a list', change: { name: ['a'] } },
  { what: 'a description of 256 characters', change: { desc: LONG_DESC } },
  { what: 'a description that is an object', change: { desc: {} } },
];

/** Who changed a thing last. */
export const stamp = objectWith({ version: id, updated_at: rfc3339, updated_by: text });

export const clusterRow = both(stamp, objectWith({ id, name: text, desc: text, biz: text }));
export const serviceRow = both(
  stamp,
  objectWith({
    id,
    name: text,
    desc: text,
    docker_image: text,
    cluster_id: id,
    service_type: text,
  }),
);
export const poolRow = both(
  stamp,
  objectWith({
    id,
    name: text,
    desc: text,
    vm_type: integer,
    sd_id: integer,
    service_id: id,
    node_count: integer,
    // Clients read all three of every pool.
    protected: oneOf(true, false),
    labels: mapOf(text),
    tasks: objectWith({ expand: integer, shrink: integer, deploy: integer }),
  }),
);

/** A save or deletion that was made from another version than the stored one. */
export const changedMeanwhile = {
  what: 'another version than the stored one',
  change: { if_version: 2_147_483 },
  refusal: refusal(409, 'if_version is 2147483, but', {}),
  says: 'changed it at',
};

/** Selections that are refused, wherever nodes can be selected. */
export const SELECT_WRONG: readonly WrongValue[] = [
  { what: 'nodes and a selection', change: { select: { status: 'ok' } }, says: 'both given' },
  {
    what: 'no selector',
    change: { nodes: undefined, select: { labels: 'zone in b' } },
    says: 'at character 9: values in brackets',
  },
  {
    what: 'no order',
    change: { nodes: undefined, select: { labels: 'a', order: 'zone' } },
    says: 'select.order',
  },
  {
    what: 'an unknown field of a selection',
    change: { nodes: undefined, select: { label: 'a' } },
    says: 'nearest known name is labels',
  },
  { what: 'no such status', change: { nodes: undefined, select: { status: 'good' } }, says: 'select' },
];
