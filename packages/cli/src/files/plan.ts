import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { nodeIdentity } from '@rigel/contracts';
import { type Document, type Fields, keyOf, type Node } from './documents.js';
import { shown } from './mistakes.js';
import { inOrder, type Present, type Thing } from './present.js';
import { pruned } from './prune.js';
import type { Kind } from './schema.js';

/** One field that becomes another one. `before` is undefined in a creation. */
export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

/** What happens to the labels of a node. */
export interface Labelling {
  address: string;
  set: Record<string, string>;
  remove: string[];
}

/** What happens to one thing. */
export interface Change {
  do: 'create' | 'change' | 'delete';
  kind: Kind;
  name: string;
  fields: FieldChange[];
  /** What is there; absent in a creation. */
  thing?: Thing;
  /** Nodes of a pool that are entered and that go; absent: its document does not manage them. */
  nodes?: {
    enter: Node[];
    remove: string[];
    /** Labels of nodes that stay. */
    label: Labelling[];
  };
}

export interface Plan {
  /** In the order in which they are made. */
  changes: Change[];
  /** Documents that are as the system is. */
  unchanged: number;
  /** Things that are in no file. */
  leftAlone: Thing[];
  /** Things of the set that are in no file and stay all the same, with the reason. */
  kept: { thing: Thing; why: string }[];
  /** Why nothing of it can be done. */
  refusals: string[];
  /** What follows from it, and what people should know. */
  notes: string[];
  /** Names exactly these changes of these versions. */
  hash: string;
}

export interface Asked {
  /** The set that new things belong to. */
  set?: string | undefined;
  /** Whether things of the set that are in no file go. */
  prune?: boolean;
}

/** Compares documents with a system. Only fields that a document names are compared. */
export function makePlan(documents: readonly Document[], present: Present, { set, prune }: Asked): Plan {
  const { things } = present;
  const changes: Change[] = [];
  const refusals: string[] = [];
  const notes = present.unsaid.map((text) => `files cannot say it: ${text}`);
  let unchanged = 0;
  for (const document of inOrder(documents)) {
    const thing = things.get(keyOf(document));
    const change = thing ? changeOf(document, thing) : creationOf(document);
    if (!change) unchanged++;
    else changes.push(change);
    if (!thing) continue;
    const { kind, name } = document;
    if (set !== undefined && thing.set !== '' && thing.set !== set)
      refusals.push(
        `${kind} ${name} belongs to the set ${thing.set}, not ${set}: rigel adopt -f <the files> --set ${set} --from ${thing.set} takes it over`,
      );
    const moved = change?.fields.find(({ field }) => kind === 'Pool' && field === 'service');
    if (moved)
      refusals.push(
        `Pool ${name} is in the service ${shown(moved.before)}, and a pool does not move to another one (got ${shown(moved.after)})`,
      );
  }
  const unmarked = documents.filter(
    (document) => document.kind !== 'Schedule' && things.get(keyOf(document))?.set === '',
  ).length;
  if (set !== undefined && unmarked > 0)
    notes.push(
      `${unmarked} objects of these files do not bear the mark of the set ${set}, so prune never deletes them: rigel adopt -f <the files> --set ${set}`,
    );
  const written = new Set(documents.map(keyOf));
  const leftAlone = inOrder([...things.values()].filter((thing) => !written.has(keyOf(thing))));
  const { deletions, kept } =
    prune === true && set !== undefined ? pruned(documents, present, set) : { deletions: [], kept: [] };
  changes.push(
    ...deletions.map(
      (thing): Change => ({ do: 'delete', kind: thing.kind, name: thing.name, fields: [], thing }),
    ),
  );
  notes.push(...renamings(changes));
  const gone = new Set(deletions.map(keyOf));
  return {
    changes,
    unchanged,
    leftAlone: leftAlone.filter((thing) => !gone.has(keyOf(thing))),
    kept,
    refusals,
    notes,
    hash: hashOf(changes, set),
  };
}

/** A schedule without items is none. */
const isEmpty = ({ kind, fields }: Document): boolean =>
  kind === 'Schedule' &&
  ((fields.items as unknown[] | undefined) ?? []).length === 0 &&
  ((fields.takes_along as unknown[] | undefined) ?? []).length === 0;

function creationOf(document: Document): Change | undefined {
  if (isEmpty(document)) return undefined;
  const { kind, name, fields } = document;
  const { nodes, ...own } = fields as Fields & { nodes?: Node[] };
  const named = Object.entries(own).filter(([, value]) => value !== null);
  return {
    do: 'create',
    kind,
    name,
    fields: named.map(([field, after]) => ({ field, before: undefined, after })),
    ...(nodes && nodes.length > 0 ? { nodes: { enter: nodes, remove: [], label: [] } } : {}),
  };
}

function changeOf({ kind, name, fields }: Document, thing: Thing): Change | undefined {
  const { nodes: wanted, ...own } = fields as Fields & { nodes?: Node[] };
  const changed = Object.entries(own).flatMap(([field, after]): FieldChange[] => {
    const before = thing.fields[field];
    return isDeepStrictEqual(before, after) ? [] : [{ field, before, after }];
  });
  const nodes = wanted && nodesBetween((thing.fields.nodes as Node[] | undefined) ?? [], wanted);
  const moves = nodes && nodes.enter.length + nodes.remove.length + nodes.label.length > 0;
  if (changed.length === 0 && !moves) return undefined;
  return { do: 'change', kind, name, fields: changed, thing, ...(moves ? { nodes } : {}) };
}

function nodesBetween(present: readonly Node[], wanted: readonly Node[]): NonNullable<Change['nodes']> {
  const there = new Map(present.map((node) => [nodeIdentity(node.address), node]));
  const named = new Set(wanted.map(({ address }) => nodeIdentity(address)));
  return {
    enter: wanted.filter(({ address }) => !there.has(nodeIdentity(address))),
    remove: present.filter(({ address }) => !named.has(nodeIdentity(address))).map(({ address }) => address),
    label: wanted.flatMap(({ address, labels }) => {
      const node = there.get(nodeIdentity(address));
      const change = node && labels && labelling(node, labels);
      return change ? [change] : [];
    }),
  };
}

/** What makes the labels of a node those that its document names; the others stay. */
function labelling(
  { address, labels: own = {} }: Node,
  wanted: NonNullable<Node['labels']>,
): Labelling | undefined {
  const set: Record<string, string> = {};
  const remove: string[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    if (value === null && own[key] !== undefined) remove.push(key);
    if (value !== null && own[key] !== value) set[key] = value;
  }
  return remove.length + Object.keys(set).length > 0 ? { address, set, remove } : undefined;
}

/** A thing that goes while another one of the same content comes: its document was renamed. */
function renamings(changes: readonly Change[]): string[] {
  return changes.flatMap(({ do: what, kind, name, thing }) => {
    if (what !== 'delete' || !thing) return [];
    const twin = changes.find(
      (other) =>
        other.do === 'create' &&
        other.kind === kind &&
        other.fields.length > 0 &&
        other.fields.every(({ field, after }) => isDeepStrictEqual(thing.fields[field], after)),
    );
    return twin
      ? [`${kind} ${name} goes and ${twin.name} comes: a document with another name is another thing`]
      : [];
  });
}

function hashOf(changes: readonly Change[], set: string | undefined): string {
  const content = changes.map(({ do: what, kind, name, fields, nodes, thing }) => [
    what,
    kind,
    name,
    fields.map(({ field, after }) => [field, sorted(after)]),
    nodes ?? null,
    thing?.version ?? 0,
    thing?.implementation?.version ?? 0,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([set ?? '', content]))
    .digest('hex');
}

/** A value whose names stand in one order. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
