import { once, unwrap } from '@rigel/api-client';
import { idOf } from '../api/names.js';
import type { Kind } from '../command/command.js';
import { CommandError } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';
import { confirmChange, type FieldChange, fieldChanges } from '../plan/change.js';

/** First part of the addresses of each kind that has names. */
export const PATHS = {
  cluster: 'cluster',
  service: 'service',
  pool: 'pool',
  action: 'action',
  step: 'remote_step',
  template: 'task_tpl',
} as const satisfies Partial<Record<Kind, string>>;

export type NamedKind = keyof typeof PATHS;

export type Thing = Record<string, unknown> & { id: number; name: string; version?: number };

/** Reads an address that a table names. */
export async function getData<Data>({ api }: Invocation, path: string, params: object = {}): Promise<Data> {
  return (await unwrap((api().GET as CallableFunction)(path, { params }))) as Data;
}

/** Sends a change to an address that a table names. `keyed`: it makes something, and is made once. */
export async function postData<Data>(
  { api }: Invocation,
  path: string,
  body: object,
  { params = {}, keyed = false }: { params?: object; keyed?: boolean } = {},
): Promise<Data> {
  return (await unwrap(
    (api().POST as CallableFunction)(path, { params, body, ...(keyed ? once() : {}) }),
  )) as Data;
}

/** A thing that a person named. @throws CommandError `notFound` */
export async function thingNamed(invocation: Invocation, kind: NamedKind, text: string): Promise<Thing> {
  const id = await idOf(invocation, kind, text);
  return getData<Thing>(invocation, `/${PATHS[kind]}/{id}`, { path: { id } });
}

const SHORTEST_NAME = /\S/;

/** Prints the thing that was made or changed: `pool/7` for people and for `-o name`, else its data. */
async function printThing(
  invocation: Invocation,
  kind: NamedKind,
  id: number,
  data: () => Promise<object>,
): Promise<void> {
  const { print } = invocation;
  if (print.isForPeople || print.format === 'name') print.line(`${kind}/${id}`);
  else print.one(kind, await data(), []);
}

/** Fields of a change that are shown by names, and sent as ids. */
export interface Wanted {
  /** What the request says. */
  body: Readonly<Record<string, unknown>>;
  /** Fields that are shown in another way than they are sent, or instead of it. */
  shown?: readonly FieldChange[];
  /** Fields of the body that are not shown on their own. */
  hidden?: readonly string[];
}

/** Makes a thing, after it has shown it and asked. @returns its id; undefined: nothing was to be done. */
export async function createThing(
  invocation: Invocation,
  kind: NamedKind,
  name: string,
  { body, shown = [], hidden = [] }: Wanted,
  after?: (id: number) => Promise<void>,
): Promise<number | undefined> {
  if (!SHORTEST_NAME.test(name))
    throw new CommandError(`a ${kind} needs a name (got ${JSON.stringify(name)})`);
  const fields = fieldChanges(
    undefined,
    Object.fromEntries(Object.entries(body).filter(([field]) => !hidden.includes(field))),
  );
  const title = `create ${kind} ${plain(name)}`;
  if (!(await confirmChange(invocation, { title, fields: [...fields, ...shown] }))) return undefined;
  const made = await postData<number | { id: number } | string>(
    invocation,
    `/${PATHS[kind]}/create`,
    { name, ...body },
    { keyed: true },
  );
  const id =
    typeof made === 'number' ? made : typeof made === 'object' ? made.id : await idOf(invocation, kind, name);
  await after?.(id);
  await printThing(invocation, kind, id, () => getData(invocation, `/${PATHS[kind]}/{id}`, { path: { id } }));
  return id;
}

/**
 * Changes fields of a thing, after it has shown what they were and asked. The change holds for the version that was
 * shown alone.
 */
export async function updateThing(
  invocation: Invocation,
  kind: NamedKind,
  thing: Thing,
  { body, shown = [], hidden = [] }: Wanted,
  after?: () => Promise<void>,
): Promise<void> {
  const wanted = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  if (Object.keys(wanted).length === 0 && shown.length === 0 && after === undefined)
    throw new CommandError(`what shall change? rigel help ${kind} update lists the flags`);
  const differing = fieldChanges(thing, wanted);
  const fields = [...differing.filter(({ field }) => !hidden.includes(field)), ...shown];
  const title = `update ${kind} ${plain(thing.name)}`;
  const change = { title, fields, version: thing.version, needsFields: true };
  if (!(await confirmChange(invocation, change))) return;
  if (differing.length > 0)
    await postData(
      invocation,
      `/${PATHS[kind]}/update/{id}`,
      {
        // Some updates need the name, the steps or the actions even if they stay.
        ...unchangedNeeds(kind, thing),
        ...wanted,
        ...(thing.version === undefined ? {} : { if_version: thing.version }),
      },
      { params: { path: { id: thing.id } } },
    );
  await after?.();
  await printThing(invocation, kind, thing.id, () =>
    getData(invocation, `/${PATHS[kind]}/{id}`, { path: { id: thing.id } }),
  );
}

function unchangedNeeds(kind: NamedKind, thing: Thing): Record<string, unknown> {
  if (kind === 'cluster') return { name: thing.name };
  return kind === 'step' ? { actions: thing.actions } : {};
}

/** The flags of every thing that has a name and a description. */
export const NAME_FLAG = {
  type: 'text',
  value: '<name>',
  help: { en: 'a new name', zh: '新名称' },
} as const;
export const DESC_FLAG = {
  type: 'text',
  value: '<text|@file|->',
  help: { en: 'description', zh: '描述' },
} as const;
